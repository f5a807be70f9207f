//! Rooms: which part of `src/` may name which other part.

use super::source::{Name, absolute, module_of, names, split};
use std::collections::BTreeSet;

/// The rooms of `src/`, each with the other rooms that it may name. The direction keeps the engine free of everything that
/// cannot be replayed, and every room testable without those that use it.
///
/// A room with a slash is a part of the one before the slash. Who may name a room may name its parts, but for these
/// parts among each other: each names only what its own row says, and nobody in a room names the room's face.
pub const ROOMS: &[(&str, &str)] = &[
    ("model", ""),
    ("layers", ""),
    ("decode", "model layers"),
    ("encode", "model"),
    ("engine", "model"),
    ("engine/codec", "model"),
    ("engine/settings", "model"),
    ("engine/state", "model engine/codec engine/settings"),
    ("engine/triggers", "model engine/settings engine/state"),
    ("engine/rules", "model engine/settings engine/triggers"),
    (
        "engine/policy",
        "model engine/codec engine/settings engine/state engine/triggers engine/rules",
    ),
    (
        "engine/image",
        "model engine/codec engine/state engine/triggers engine/policy",
    ),
    (
        "engine/shard",
        "model engine/codec engine/settings engine/state engine/triggers engine/rules engine/policy engine/image",
    ),
    ("config", "model layers decode engine"),
    ("registry", "model config"),
    ("driver", "model decode engine"),
    ("journal", "model"),
    ("snapshot", "journal engine"),
    ("kafka", "model decode config telemetry"),
    ("telemetry", "model config engine"),
    ("health", ""),
    ("http", "config health telemetry"),
    (
        "runtime",
        "model config decode engine driver encode journal snapshot kafka telemetry health registry",
    ),
    ("runtime/clock", "model"),
    ("runtime/stop", ""),
    (
        "runtime/active_rules",
        "model config engine encode journal kafka",
    ),
    ("runtime/output_form", "config registry encode kafka"),
    (
        "runtime/setup",
        "config encode kafka telemetry runtime/active_rules",
    ),
    (
        "runtime/partition",
        "model config decode engine driver encode journal kafka telemetry runtime/clock runtime/active_rules",
    ),
    (
        "runtime/restore",
        "model config decode engine encode journal snapshot kafka telemetry runtime/clock runtime/active_rules runtime/setup runtime/partition",
    ),
    (
        "runtime/standing",
        "config journal kafka runtime/active_rules runtime/partition runtime/restore",
    ),
    (
        "runtime/worker",
        "model decode journal snapshot kafka telemetry health runtime/clock runtime/stop runtime/active_rules runtime/setup runtime/partition runtime/restore",
    ),
    (
        "runtime/route",
        "model config registry decode encode kafka telemetry health runtime/clock runtime/stop runtime/partition",
    ),
    ("runtime/watchdog", "config health runtime/clock"),
    (
        "runtime/pool",
        "snapshot kafka telemetry health runtime/clock runtime/stop runtime/setup runtime/worker runtime/route",
    ),
    ("files", "decode"),
    ("sim", "model layers engine"),
    ("sim/random", ""),
    ("sim/event", "model"),
    ("sim/truth", "model"),
    ("sim/scenario", "model layers sim/event"),
    ("sim/config", "model layers sim/scenario"),
    ("sim/today", "model sim/config"),
    (
        "sim/person",
        "model sim/random sim/event sim/truth sim/scenario sim/config sim/today",
    ),
    (
        "sim/life",
        "model sim/random sim/event sim/truth sim/scenario sim/today sim/person",
    ),
    ("sim/faults", "model sim/random sim/event sim/today"),
    (
        "sim/wire",
        "model sim/random sim/event sim/today sim/person",
    ),
    (
        "sim/city",
        "model sim/random sim/event sim/truth sim/config sim/today sim/person sim/life sim/faults sim/wire",
    ),
    (
        "sim/files",
        "model sim/event sim/truth sim/scenario sim/config sim/city",
    ),
    (
        "sim/outcomes",
        "engine model sim/random sim/truth sim/scenario sim/config",
    ),
    ("backtest", "model decode engine driver"),
    ("rehearse", "model decode engine driver sim"),
    (
        "board",
        "model config decode registry encode kafka telemetry http runtime",
    ),
    (
        "demo",
        "model board config kafka telemetry health http runtime sim",
    ),
    (
        "cli",
        "model config decode registry engine driver encode journal snapshot kafka telemetry health http runtime files sim backtest rehearse board demo",
    ),
];

/// What a file of `src/` names although its room may not, as line, rule and remedy.
pub fn breaches(path: &str, names: &[Name]) -> Vec<(usize, String, &'static str)> {
    let Some(module) = module_of(path).filter(|module| !module.is_empty()) else {
        return Vec::new();
    };
    let Some((room, allowed)) = room_of(ROOMS, &module) else {
        let rule = format!("`{}` is no room", module[0]);
        let remedy = "add it to ROOMS in tests/house/tidy/rooms.rs with what it may name";
        return vec![(1, rule, remedy)];
    };
    let forbidden = named(ROOMS, &module, names)
        .into_iter()
        .filter(|(_, other)| {
            let mut all = allowed.split_whitespace();
            !is_own(room, other) && !all.any(|allowed| covers(room, allowed, other))
        });
    let breach = |(line, other): (usize, &str)| {
        let rule = format!("`{room}` may not name `{other}`, only: {allowed}");
        let remedy = "move the shared type to a room below, or let the caller join the two rooms";
        (line, rule, remedy)
    };
    forbidden.map(breach).collect()
}

/// Rooms without a file, and permissions that no file uses.
pub fn unused(rooms: &[(&'static str, &str)], files: &[(String, String)]) -> Vec<String> {
    let mut inhabited: BTreeSet<&str> = BTreeSet::new();
    let mut used: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (path, source) in files {
        let Some(module) = module_of(path) else {
            continue;
        };
        // What a part of a room names, the room names.
        let houses = rooms.iter().filter(|(room, _)| is_in(room, &module));
        let named = named(rooms, &module, &names(&split(source).0));
        for (room, allowed) in houses {
            inhabited.insert(room);
            for (_, other) in &named {
                let permissions = allowed.split_whitespace();
                used.extend(
                    permissions
                        .filter(|allowed| covers(room, allowed, other))
                        .map(|allowed| (*room, allowed)),
                );
            }
        }
    }
    let breaches = rooms.iter().flat_map(|(room, allowed)| {
        let empty = (!inhabited.contains(room))
            .then(|| format!("`{room}` is a room without files: take it off ROOMS"));
        let permissions = allowed.split_whitespace();
        let vain = permissions.filter(|allowed| !used.contains(&(*room, *allowed)));
        let vain = vain.map(move |allowed| {
            format!("`{room}` may name `{allowed}` and does not: take it off its row in ROOMS")
        });
        empty.into_iter().chain(vain)
    });
    breaches.collect()
}

/// The innermost room that a module lies in, and what it may name.
fn room_of<'r, 'a>(rooms: &[(&'r str, &'a str)], module: &[&str]) -> Option<(&'r str, &'a str)> {
    let around = rooms.iter().filter(|(room, _)| is_in(room, module));
    around.max_by_key(|(room, _)| room.len()).copied()
}

/// The rooms that the names in a module's file belong to, with their lines.
fn named<'r>(rooms: &[(&'r str, &str)], module: &[&str], names: &[Name]) -> Vec<(usize, &'r str)> {
    let room = |name: &Name| {
        let named = absolute(module, &name.segments())?;
        let (room, _) = room_of(rooms, &named)?;
        // `crate::engine::{state::Store}` within the engine names the part only, and tests may use the room's face.
        let around = (name.group || name.inline) && is_in(room, module);
        (!around).then_some((name.line, room))
    };
    names.iter().filter_map(room).collect()
}

fn is_in(room: &str, module: &[&str]) -> bool {
    format!("{}/", module.join("/")).starts_with(&format!("{room}/"))
}

/// Whether the second is the room itself or a part of it.
fn is_own(room: &str, other: &str) -> bool {
    format!("{other}/").starts_with(&format!("{room}/"))
}

/// Whether a room that may name `allowed` may name the other one.
fn covers(room: &str, allowed: &str, other: &str) -> bool {
    allowed == other || is_own(allowed, other) && !is_own(allowed, room)
}
