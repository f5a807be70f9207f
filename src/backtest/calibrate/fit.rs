//! A plain logistic regression.

/// Equal rows, counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// One figure for each weight to be learnt.
    pub features: Vec<f64>,
    /// Number of rows.
    pub count: f64,
    /// Number of rows with a leaving subscriber.
    pub left: f64,
}

/// The result of a regression.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Log-odds with all features 0.
    pub base: f64,
    /// Log-odds for each unit of a feature, never below zero.
    pub weights: Vec<f64>,
    /// Standard errors of the weights, prior included; 0 for a weight held at zero.
    pub errors: Vec<f64>,
}

const STEPS: usize = 100;
const SMALL: f64 = 1e-9;

/// Finds the most likely weights, with a normal prior of standard error `prior_error` around each weight of `prior`. A weight
/// that would come out below zero is held at zero: no sign of leaving makes staying more likely.
///
/// Newton's method on a convex function: there is one answer, whatever the order of the rows.
pub fn fit(samples: &[Sample], prior: &[f64], prior_error: f64) -> Fit {
    let mut free = vec![true; prior.len()];
    loop {
        let fit = newton(samples, prior, prior_error, &free);
        let lowest = (0..prior.len())
            .filter(|index| fit.weights[*index] < 0.0)
            .min_by(|a, b| fit.weights[*a].total_cmp(&fit.weights[*b]));
        match lowest {
            Some(index) => free[index] = false,
            None => return fit,
        }
    }
}

fn newton(samples: &[Sample], prior: &[f64], prior_error: f64, free: &[bool]) -> Fit {
    // The base comes first and has no prior.
    let learnt: Vec<usize> = (0..prior.len()).filter(|index| free[*index]).collect();
    let precision = 1.0 / (prior_error * prior_error);
    let (rows, left) = samples.iter().fold((1.0, 0.5), |(rows, left), sample| {
        (rows + sample.count, left + sample.left)
    });
    let mut at = vec![0.0; learnt.len() + 1];
    at[0] = libm::log(left / (rows - left));
    for (column, index) in learnt.iter().enumerate() {
        at[column + 1] = prior[*index];
    }
    let mut curvature = Matrix::new(at.len());
    for _ in 0..STEPS {
        curvature = Matrix::new(at.len());
        let mut slope = vec![0.0; at.len()];
        for (column, index) in learnt.iter().enumerate() {
            slope[column + 1] = precision * (prior[*index] - at[column + 1]);
            curvature.add(column + 1, column + 1, precision);
        }
        // A little curvature keeps the base finite when nobody or everybody left.
        curvature.add(0, 0, SMALL);
        let mut row = vec![1.0; at.len()];
        for sample in samples {
            for (column, index) in learnt.iter().enumerate() {
                row[column + 1] = sample.features[*index];
            }
            let log_odds: f64 = row.iter().zip(&at).map(|(x, weight)| x * weight).sum();
            let chance = 1.0 / (1.0 + libm::exp(-log_odds));
            let spread = sample.count * chance * (1.0 - chance);
            for (one, x) in row.iter().enumerate().filter(|(_, x)| **x != 0.0) {
                slope[one] += x * (sample.left - sample.count * chance);
                for (other, y) in row.iter().enumerate() {
                    curvature.add(one, other, spread * x * y);
                }
            }
        }
        let step = curvature.solve(&slope);
        // Longer steps can overshoot where the curve is flat.
        let longest = step.iter().fold(1.0_f64, |longest, s| longest.max(s.abs()));
        for (value, step) in at.iter_mut().zip(&step) {
            *value += step / longest;
        }
        if step.iter().all(|step| step.abs() < SMALL) {
            break;
        }
    }
    let mut fit = Fit {
        base: at[0],
        weights: vec![0.0; prior.len()],
        errors: vec![0.0; prior.len()],
    };
    for (column, index) in learnt.iter().enumerate() {
        let mut unit = vec![0.0; at.len()];
        unit[column + 1] = 1.0;
        fit.weights[*index] = at[column + 1];
        fit.errors[*index] = libm::sqrt(curvature.solve(&unit)[column + 1].max(0.0));
    }
    fit
}

/// A symmetric matrix without negative directions.
struct Matrix {
    size: usize,
    cells: Vec<f64>,
}

impl Matrix {
    fn new(size: usize) -> Self {
        Self {
            size,
            cells: vec![0.0; size * size],
        }
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        self.cells[row * self.size + column]
    }

    fn add(&mut self, row: usize, column: usize, value: f64) {
        self.cells[row * self.size + column] += value;
    }

    /// What times this matrix gives `right`, by Cholesky's decomposition.
    fn solve(&self, right: &[f64]) -> Vec<f64> {
        let mut lower = Self::new(self.size);
        for row in 0..self.size {
            for column in 0..=row {
                let known: f64 = (0..column)
                    .map(|k| lower.at(row, k) * lower.at(column, k))
                    .sum();
                let rest = self.at(row, column) - known;
                let value = match row == column {
                    true => libm::sqrt(rest.max(f64::MIN_POSITIVE)),
                    false => rest / lower.at(column, column),
                };
                lower.add(row, column, value);
            }
        }
        let mut answer = right.to_vec();
        for row in 0..self.size {
            let known: f64 = (0..row).map(|k| lower.at(row, k) * answer[k]).sum();
            answer[row] = (answer[row] - known) / lower.at(row, row);
        }
        for row in (0..self.size).rev() {
            let known: f64 = (row + 1..self.size)
                .map(|k| lower.at(k, row) * answer[k])
                .sum();
            answer[row] = (answer[row] - known) / lower.at(row, row);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(features: &[f64], count: f64, left: f64) -> Sample {
        Sample {
            features: features.to_vec(),
            count,
            left,
        }
    }

    /// So many rows that the prior hardly counts: 1 in 10 left without a sign, 1 in 2 with the first, 1 in 5 with the second.
    fn samples() -> Vec<Sample> {
        vec![
            sample(&[0.0, 0.0], 1e6, 1e5),
            sample(&[1.0, 0.0], 1e5, 5e4),
            sample(&[0.0, 1.0], 1e5, 2e4),
        ]
    }

    #[test]
    fn the_odds_of_groups_are_found_again() {
        let fit = fit(&samples(), &[0.0, 0.0], 1.0);
        let odds = |share: f64| libm::log(share / (1.0 - share));
        assert!((fit.base - odds(0.1)).abs() < 1e-3, "{fit:?}");
        assert!((fit.weights[0] - (odds(0.5) - odds(0.1))).abs() < 1e-2);
        assert!((fit.weights[1] - (odds(0.2) - odds(0.1))).abs() < 1e-2);
        assert!(fit.errors.iter().all(|error| (1e-4..0.1).contains(error)));
    }

    #[test]
    fn without_rows_the_prior_stays_and_says_how_little_is_known() {
        let few = [sample(&[0.0], 10.0, 1.0)];
        let fit = fit(&few, &[2.5], 0.5);
        assert!((fit.weights[0] - 2.5).abs() < 1e-9);
        assert!((fit.errors[0] - 0.5).abs() < 1e-6);
    }

    #[test]
    fn no_sign_speaks_for_staying() {
        let mut rows = samples();
        rows.push(sample(&[0.0, 1.0], 1e6, 1.0));
        let fit = fit(&rows, &[0.0, 1.0], 1.0);
        assert_eq!((fit.weights[1], fit.errors[1]), (0.0, 0.0));
        assert!(fit.weights[0] > 2.0);
    }

    #[test]
    fn certainty_stays_finite() {
        for left in [0.0, 100.0] {
            let fit = fit(&[sample(&[1.0], 100.0, left)], &[1.0], 1.0);
            assert!(
                fit.base.is_finite() && fit.weights[0].is_finite(),
                "{fit:?}"
            );
        }
    }
}
