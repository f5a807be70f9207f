//! From a declared metric to a handle in the registry.

use super::catalog::Metric;
use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, Result,
};

pub(super) fn counter(registry: &Registry, metric: &Metric) -> Result<IntCounter> {
    registered(registry, IntCounter::with_opts(opts(metric))?)
}

pub(super) fn counters(registry: &Registry, metric: &Metric) -> Result<IntCounterVec> {
    registered(registry, IntCounterVec::new(opts(metric), metric.labels)?)
}

pub(super) fn gauge(registry: &Registry, metric: &Metric) -> Result<IntGauge> {
    registered(registry, IntGauge::with_opts(opts(metric))?)
}

pub(super) fn float_gauge(registry: &Registry, metric: &Metric) -> Result<Gauge> {
    registered(registry, Gauge::with_opts(opts(metric))?)
}

pub(super) fn gauges(registry: &Registry, metric: &Metric) -> Result<IntGaugeVec> {
    registered(registry, IntGaugeVec::new(opts(metric), metric.labels)?)
}

/// Gauges of fractions.
pub(super) fn float_gauges(registry: &Registry, metric: &Metric) -> Result<GaugeVec> {
    registered(registry, GaugeVec::new(opts(metric), metric.labels)?)
}

pub(super) fn histogram(
    registry: &Registry,
    metric: &Metric,
    buckets: &[f64],
) -> Result<Histogram> {
    let opts = HistogramOpts::from(opts(metric)).buckets(buckets.to_vec());
    registered(registry, Histogram::with_opts(opts)?)
}

pub(super) fn histograms(
    registry: &Registry,
    metric: &Metric,
    buckets: &[f64],
) -> Result<HistogramVec> {
    let opts = HistogramOpts::from(opts(metric)).buckets(buckets.to_vec());
    registered(registry, HistogramVec::new(opts, metric.labels)?)
}

fn opts(metric: &Metric) -> Opts {
    Opts::new(metric.name, metric.help)
}

fn registered<M: Collector + Clone + 'static>(registry: &Registry, metric: M) -> Result<M> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}
