use super::state::{TaskLine, ViewState, grouped, short, warm_up};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Bar, BarChart, BarGroup, Block, Gauge, Paragraph, Wrap};

/// From this width on a task has a second line, and its first one says who gets it and by when.
const WIDE: u16 = 110;

/// Draws the whole screen.
pub fn draw(frame: &mut Frame<'_>, state: &ViewState) {
    let [head, middle, tasks, foot] = Layout::vertical([
        Constraint::Length(3),
        Constraint::Length(8),
        Constraint::Min(6),
        Constraint::Length(state.addresses.len() as u16),
    ])
    .areas(frame.area());
    let [stream, standings, signals] = Layout::horizontal([
        Constraint::Length(24),
        Constraint::Length(24),
        Constraint::Min(30),
    ])
    .areas(middle);
    progress(frame, head, state);
    figures(frame, stream, " stream ", &stream_figures(state));
    figures(frame, standings, " churn tasks ", &churn_figures(state));
    signals_chart(frame, signals, state);
    newest_tasks(frame, tasks, state);
    addresses(frame, foot, state);
}

fn progress(frame: &mut Frame<'_>, area: Rect, state: &ViewState) {
    let title = format!(
        " churnwatch demo: a city of {} subscribers ",
        grouped(state.city.into())
    );
    let share = f64::from(state.day) / f64::from(state.days.max(1));
    let label = match state.day {
        0 => "starting".to_owned(),
        day => format!("{}  day {day} of {}", state.date, state.days),
    };
    let gauge = Gauge::default()
        .block(
            Block::bordered()
                .title(title.bold())
                .title(Line::from(" q or Ctrl-C ends ").right_aligned()),
        )
        .gauge_style(Style::new().fg(Color::Cyan))
        .ratio(share.clamp(0.0, 1.0))
        .label(label);
    frame.render_widget(gauge, area);
}

fn stream_figures(state: &ViewState) -> Vec<(&str, u64)> {
    vec![
        ("events", state.events),
        ("a second", state.events_per_second),
        ("late, applied", state.late),
        ("duplicates", state.duplicates),
        ("dead-lettered", state.dead_lettered),
        ("days closed", state.days_closed),
    ]
}

fn churn_figures(state: &ViewState) -> Vec<(&str, u64)> {
    let opened = ("opened", state.churn_opened);
    let standings = state.standings();
    std::iter::once(opened).chain(standings).collect()
}

fn figures(frame: &mut Frame<'_>, area: Rect, title: &'static str, rows: &[(&str, u64)]) {
    let width = usize::from(area.width.saturating_sub(4));
    let lines = rows.iter().map(|(name, value)| {
        let value = grouped(*value);
        let room = width.saturating_sub(value.len() + 1);
        let name: String = name.chars().take(room).collect();
        let room = width.saturating_sub(value.len());
        Line::from(vec![
            Span::raw(format!(" {name:<room$}")),
            Span::raw(value).bold(),
        ])
    });
    let block = Block::bordered().title(title);
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(block), area);
}

fn signals_chart(frame: &mut Frame<'_>, area: Rect, state: &ViewState) {
    let mut signals: Vec<_> = state.signals.iter().collect();
    // As many as there is room for.
    signals.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let bars = signals.into_iter().map(|(trigger, count)| {
        Bar::default()
            .value(*count)
            .label(Line::from(trigger.as_str()))
            .text_value(grouped(*count))
    });
    let chart = BarChart::default()
        .block(Block::bordered().title(" churn signals "))
        .data(BarGroup::default().bars(&bars.collect::<Vec<_>>()))
        .direction(ratatui::layout::Direction::Horizontal)
        .bar_width(1)
        .bar_gap(0)
        .bar_style(Style::new().fg(Color::Yellow))
        .value_style(Style::new().fg(Color::Black).bg(Color::Yellow));
    frame.render_widget(chart, area);
}

fn newest_tasks(frame: &mut Frame<'_>, area: Rect, state: &ViewState) {
    let block = Block::bordered().title(" churn tasks, the latest change first ");
    let [tasks, care] =
        Layout::vertical([Constraint::Min(1), Constraint::Length(1)]).areas(block.inner(area));
    frame.render_widget(block, area);
    frame.render_widget(Line::from(format!(" {}", state.care_line())).dim(), care);
    let sentence = if state.warming_up() { 2 } else { 0 };
    let [sentence, tasks] =
        Layout::vertical([Constraint::Length(sentence), Constraint::Min(1)]).areas(tasks);
    let text = Paragraph::new(format!(" {}", warm_up()).bold());
    frame.render_widget(text.wrap(Wrap { trim: false }), sentence);
    let wide = area.width >= WIDE;
    let lines = state.tasks.iter().flat_map(|task| task_lines(task, wide));
    let lines: Vec<Line<'_>> = lines.take(tasks.height.into()).collect();
    frame.render_widget(Paragraph::new(lines), tasks);
}

fn task_lines(task: &TaskLine, wide: bool) -> Vec<Line<'_>> {
    let colour = match task.severity.as_str() {
        "critical" | "lost" => Color::Red,
        "at risk" => Color::Yellow,
        _ => Color::Green,
    };
    let mut head = vec![
        Span::raw(format!(" {} ", short(&task.changed_at))),
        Span::styled(
            format!("{:<8} ", task.severity),
            Style::new().fg(colour).bold(),
        ),
        Span::raw(format!("{} ", task.subscriber)),
        Span::raw(format!("{}: ", task.change)).bold(),
    ];
    if !wide {
        head.push(Span::raw(&*task.reason));
        return vec![Line::from(head)];
    }
    head.push(Span::styled(
        format!("{} -> {} by {}", task.tier, task.queue, short(&task.due_at)),
        Style::new().fg(Color::Cyan),
    ));
    let reason = Line::from(format!("{:22}{}", "", task.reason));
    vec![Line::from(head), reason]
}

fn addresses(frame: &mut Frame<'_>, area: Rect, state: &ViewState) {
    let lines = state.addresses.iter().map(|(name, address)| {
        let address = Span::raw(address.as_str()).bold();
        Line::from(vec![Span::raw(format!(" {name} ")), address])
    });
    let lines: Vec<Line<'_>> = lines.collect();
    frame.render_widget(Paragraph::new(lines), area);
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::{Terminal, backend::TestBackend};

    fn screen(state: &ViewState, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, state)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn the_screen_shows_progress_signals_tasks_and_addresses() {
        let mut state = ViewState {
            city: 2_000,
            date: "2026-04-09".to_owned(),
            day: 39,
            days: 60,
            events: 1_234_567,
            churn_opened: 2,
            churn: [("open".to_owned(), 1), ("usage recovered".to_owned(), 1)].into(),
            care: [("birthday".to_owned(), 7), ("points_expiry".to_owned(), 30)].into(),
            signals: [("usage_drop".to_owned(), 41)].into(),
            tasks: [TaskLine {
                task_id: "1".to_owned(),
                severity: "critical".to_owned(),
                score: 0.9,
                changed_at: "2026-04-09 14:05".to_owned(),
                subscriber: "138***00".to_owned(),
                tier: "key".to_owned(),
                change: "reached".to_owned(),
                queue: "key-accounts".to_owned(),
                due_at: "2026-04-09 18:05".to_owned(),
                reason: "No activity for 3 days".to_owned(),
            }]
            .into(),
            addresses: vec![
                ("Kafka broker for any client:", "127.0.0.1:9092".to_owned()),
                ("metrics:", "http://127.0.0.1:9464/metrics".to_owned()),
            ],
            ..ViewState::default()
        };
        let everywhere = [
            "2026-04-09  day 39 of 60",
            "1,234,567",
            "usage_drop",
            "usage recovered",
            "04-09 14:05 critical 138***00 reached: ",
            "No activity for 3 days",
            "care and growth: 37, as points expiry 30, birthday 7",
            "127.0.0.1:9092",
            "http://127.0.0.1:9464/metrics",
        ];
        let wide = ["reached: key -> key-accounts by 04-09 18:05"];
        for (width, height, more) in [(80, 24, &[][..]), (120, 40, &wide)] {
            let screen = screen(&state, width, height);
            for expected in everywhere.iter().chain(more) {
                assert!(screen.contains(expected), "{expected} is not on\n{screen}");
            }
        }
        state.day = 3;
        let screen = screen(&state, 80, 24);
        assert!(screen.contains("as fast as it can"), "{screen}");
    }
}
