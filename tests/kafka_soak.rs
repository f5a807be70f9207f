//! Everything at once: two workers and their broker are killed again and again under load, and the ends of transactions
//! get lost or come late.
//!
//! The same test is the soak, with other numbers: `CHURNWATCH_SOAK_EVENTS`, `CHURNWATCH_SOAK_KILLS`,
//! `CHURNWATCH_SOAK_BROKER_KILLS`, `CHURNWATCH_SOAK_ENDTXN` and `CHURNWATCH_SOAK_SEED`, best with `--release` and
//! `--nocapture`.

mod support;

use std::fs;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use support::broker::Broker;
use support::city::City;
use support::installation::{Installation, Running};
use support::oracle::{Kind, Oracle};
use support::process::{Process, Signal};
use support::proxy::{Api, Disturbance, Often};
use support::{wait_for, wait_while_moving};

const PARTITIONS: i32 = 4;
/// Long enough for windows to fill and days to close; what is more comes from more subscribers.
const DAYS: u32 = 50;
/// Records of a subscriber in this time, at least.
const RECORDS_PER_SUBSCRIBER: u64 = 500;
/// The program's patience with a transaction.
const TRANSACTION_SECONDS: u64 = 2;
/// Names of the two workers.
const MEMBERS: [&str; 2] = ["first", "second"];

/// How much of what.
struct Plan {
    events: u64,
    kills: u64,
    broker_kills: u64,
    /// Ends of transactions that are disturbed.
    endtxn: u64,
    seed: u64,
}

impl Plan {
    fn from_environment() -> Plan {
        let number = |name: &str, default: u64| {
            let name = format!("CHURNWATCH_SOAK_{name}");
            match std::env::var(&name) {
                Ok(text) => text
                    .parse()
                    .unwrap_or_else(|_| panic!("{name}={text} is no number")),
                Err(_) => default,
            }
        };
        Plan {
            events: number("EVENTS", 60_000),
            kills: number("KILLS", 6),
            broker_kills: number("BROKER_KILLS", 1),
            endtxn: number("ENDTXN", 6),
            seed: number("SEED", 1),
        }
    }
}

#[test]
fn random_kill9_loop() {
    let plan = Plan::from_environment();
    let broker = Broker::in_turn();
    let extra = format!(
        "run.transaction_timeout_seconds = {TRANSACTION_SECONDS}\n\
         run.batch_records_max = 500\n\
         kafka.properties.\"session.timeout.ms\" = \"6000\"\n\
         kafka.properties.\"heartbeat.interval.ms\" = \"500\"\n"
    );
    let installation = Installation::behind_proxy(&broker, "killed", PARTITIONS, &extra);
    let subscribers = plan.events.div_ceil(RECORDS_PER_SUBSCRIBER) as u32;
    let city = City::build(installation.folder(), subscribers, DAYS, plan.seed);
    assert!(
        city.lines >= plan.events,
        "the city has only {} events",
        city.lines
    );
    let oracle = Oracle::ask(&installation, &city.events);
    let mut soak = Soak {
        random: ChaCha8Rng::seed_from_u64(plan.seed),
        workers: MEMBERS.map(|name| installation.run_member(name)),
        broker: &broker,
        installation: &installation,
        city,
        counts: Counts::default(),
    };
    soak.run(&plan);

    let verdict = oracle.judge(&installation);
    println!("{}\n{verdict}", soak.report(&plan));
    verdict.assert_exactly_once();
    assert_eq!(verdict.count(Kind::Lost), 0);
    soak.leave();
}

struct Soak<'a> {
    random: ChaCha8Rng,
    workers: [Running; 2],
    broker: &'a Broker,
    installation: &'a Installation,
    city: City,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    kills: u64,
    /// Of those, with records yet to be processed.
    under_load: u64,
    /// Of those, of a process that had not yet restored its state.
    while_restoring: u64,
    /// Of those, with the other worker taking over.
    taken_over: u64,
    broker_kills: u64,
    endtxn: u64,
}

impl Soak<'_> {
    /// One kill in each round, while a piece of the input is being loaded.
    fn run(&mut self, plan: &Plan) {
        let rounds = plan.kills;
        let piece_lines = self.city.lines.div_ceil(rounds);
        let mut loaded = 0;
        for round in 1..=rounds {
            // Not too far behind, so that the last kills are under load as well.
            self.wait_processed_to(loaded - 2 * piece_lines as i64);
            let piece = self
                .city
                .next_piece(piece_lines)
                .expect("a piece for each round");
            let mut load = self.installation.load(&piece);
            self.disturb_endtxn(plan.endtxn * round / rounds);
            self.kill_worker();
            if self.counts.broker_kills < plan.broker_kills * round / rounds {
                self.kill_broker();
            }
            self.wait_loaded(&mut load);
            fs::remove_file(piece).unwrap();
            loaded = self.installation.length("cdr");
        }
        assert!(
            self.city.next_piece(1).is_none(),
            "all of the input was loaded"
        );
        assert!(
            self.counts.under_load > 0,
            "no kill hit a worker under load"
        );
        self.wait_processed_to(loaded);
        self.counts.endtxn = self.broker.proxy().disturbed(Api::EndTxn);
    }

    /// Sees to it that so many ends of transactions have been disturbed, sooner or later.
    fn disturb_endtxn(&mut self, due: u64) {
        let proxy = self.broker.proxy();
        for _ in self.counts.endtxn..due {
            // From hardly noticed, over being repeated by the client, to longer than the program waits.
            let time = Duration::from_millis(self.below(2 * 1000 * TRANSACTION_SECONDS));
            let disturbance = match self.below(3) {
                0 => Disturbance::Delay(time),
                1 => Disturbance::DropRequest { silence: time },
                _ => Disturbance::DropResponse { silence: time },
            };
            proxy.disturb(Api::EndTxn, disturbance, Often::Times(1));
        }
        self.counts.endtxn = due;
    }

    fn kill_worker(&mut self) {
        let victim = self.below(2) as usize;
        // A random moment is the point here: in a transaction, between two, or while the last kill is being overcome.
        std::thread::sleep(Duration::from_millis(self.below(800)));
        let worker = &mut self.workers[victim];
        assert_eq!(
            worker.process.exit_status(),
            None,
            "it ended by itself:\n{}",
            worker.process.stderr()
        );
        let lag = self.installation.length("cdr") - self.installation.committed("cdr");
        let ready =
            support::http::get(worker.address, "/readyz").is_some_and(|page| page.status == 200);
        worker.process.signal(Signal::Kill);
        worker.process.wait();
        self.counts.kills += 1;
        self.counts.under_load += u64::from(lag > 0);
        self.counts.while_restoring += u64::from(!ready);
        if self.below(6) == 0 {
            wait_for("the group has noticed that a member is gone", || {
                (self.installation.members().len() < MEMBERS.len()).then_some(())
            });
            self.counts.taken_over += 1;
        }
        self.workers[victim] = self.installation.run_member(MEMBERS[victim]);
    }

    fn kill_broker(&mut self) {
        self.broker.kill();
        std::thread::sleep(Duration::from_millis(self.below(1000)));
        self.broker.restart();
        self.counts.broker_kills += 1;
    }

    /// Waits until the group has come so far in the one input topic.
    fn wait_processed_to(&mut self, offset: i64) {
        let what = format!("the group has processed {offset} records");
        let (installation, workers) = (self.installation, &mut self.workers);
        wait_while_moving(&what, || {
            for worker in workers.iter_mut() {
                if let Some(status) = worker.process.exit_status() {
                    panic!("a worker ended ({status}):\n{}", worker.process.stderr());
                }
            }
            let committed = installation.committed("cdr");
            if committed >= offset {
                Ok(())
            } else {
                Err(committed)
            }
        });
    }

    fn wait_loaded(&mut self, load: &mut Process) {
        let what = "a piece of the input is loaded";
        let status = wait_while_moving(what, || {
            load.exit_status()
                .ok_or_else(|| self.installation.length("cdr"))
        });
        assert!(status.success(), "{}", load.stderr());
    }

    /// The workers leave in peace.
    fn leave(&mut self) {
        for worker in &mut self.workers {
            worker.process.signal(Signal::Term);
            assert!(worker.process.wait().success());
        }
    }

    fn report(&self, plan: &Plan) -> String {
        let Counts {
            kills,
            under_load,
            while_restoring,
            taken_over,
            broker_kills,
            endtxn,
        } = self.counts;
        format!(
            "seed {}: {} events, {kills} kill -9 of workers ({under_load} under load, {while_restoring} while it was not \
             ready, {taken_over} with the other one taking over), {broker_kills} of the broker, {endtxn} ends of \
             transactions delayed or dropped",
            plan.seed, self.city.lines
        )
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random.next_u64() % bound
    }
}
