//! The consumer's client in a process: what librdkafka does on its own threads and between two calls.

use super::group::{HEARTBEAT_MS, MemberId, Membership, Pulse, SESSION_TIMEOUT_MS};
use super::world::{ProcessId, Timer, World};
use churnwatch::kafka::{Fault, Rebalance, StoredRecord, TopicPartition};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// One process's client.
#[derive(Debug)]
pub struct Client {
    /// For static membership.
    pub instance: Option<Rc<str>>,
    pub member: Option<MemberId>,
    pub generation: u32,
    /// Gone: nothing it does reaches anybody.
    pub dead: bool,
    /// It is gone or stands still since then, and sends no heartbeats.
    pub silent_since_ms: Option<i64>,
    pub fault: Option<Fault>,
    pub lanes: BTreeMap<TopicPartition, Lane>,
    standing: Standing,
    /// What the worker has not asked for yet.
    changes: VecDeque<Rebalance>,
}

/// An assigned partition.
#[derive(Debug, Clone, Copy)]
pub struct Lane {
    /// Offset of the next record to fetch.
    pub position: i64,
    /// Something was handed over: the position is one to ask for.
    pub handed: bool,
    pub paused: bool,
    /// The end that was last told of.
    pub end_told: Option<i64>,
}

/// Where a client stands in the eager protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// On its way to join.
    Outside,
    /// Has joined and waits for the generation to begin.
    Waiting,
    /// Has partitions; `answered` when the worker has taken note of them.
    Holding { answered: bool },
    /// Has told the worker to give its partitions up, and waits until it has.
    Yielding,
}

impl World {
    /// A process starts.
    pub fn add_client(&mut self, instance: Option<Rc<str>>) -> ProcessId {
        let process = self.clients.len();
        self.clients.push(Client {
            instance,
            member: None,
            generation: 0,
            dead: false,
            silent_since_ms: None,
            fault: None,
            lanes: BTreeMap::new(),
            standing: Standing::Outside,
            changes: VecDeque::new(),
        });
        self.note("start", &[process as i64]);
        process
    }

    /// A process subscribes to the input topics.
    pub fn subscribe(&mut self, process: ProcessId) {
        self.within(1, 500, Timer::Join(process));
    }

    /// A process is gone, without a word to anybody.
    pub fn kill(&mut self, process: ProcessId) {
        self.note("killed", &[process as i64]);
        self.clients[process].dead = true;
        self.fall_silent(process);
    }

    /// A process has closed its client. A static member says nothing to the group: it means to come back.
    pub fn close(&mut self, process: ProcessId) {
        let client = &mut self.clients[process];
        if client.dead {
            return;
        }
        client.dead = true;
        let leaves = client.member.filter(|_| client.instance.is_none());
        self.note("closed", &[process as i64]);
        self.fall_silent(process);
        if let Some(member) = leaves.filter(|_| !self.outage) {
            self.leave_group(member);
        }
    }

    /// No heartbeat comes from a process from now on; the last one was up to three seconds ago.
    pub fn fall_silent(&mut self, process: ProcessId) {
        self.clients[process].silent_since_ms = Some(self.now_ms);
        let low_ms = SESSION_TIMEOUT_MS - HEARTBEAT_MS;
        self.within(low_ms, SESSION_TIMEOUT_MS, Timer::SessionTimeout(process));
    }

    /// A process that stood still goes on. It learns what it has missed only with its next heartbeat.
    pub fn revive(&mut self, process: ProcessId) {
        self.clients[process].silent_since_ms = None;
        self.within(0, 1_000, Timer::Heartbeat(process));
    }

    /// A client outside the group asks to be let in.
    pub fn join(&mut self, process: ProcessId) {
        let client = &self.clients[process];
        if client.silent_since_ms.is_some() || client.standing != Standing::Outside {
            // One that stands still is heard of again when it goes on.
            return;
        }
        if self.outage {
            self.within(100, 1_000, Timer::Join(process));
            return;
        }
        let (instance, member) = (client.instance.clone(), client.member);
        let member = self.join_group(process, instance.as_ref(), member);
        let client = &mut self.clients[process];
        client.member = Some(member);
        client.standing = Standing::Waiting;
    }

    /// A heartbeat is answered. While a process lives and the group is at peace they change nothing, so only those
    /// are modelled that bring news.
    pub fn heartbeat(&mut self, process: ProcessId) {
        let client = &self.clients[process];
        if client.silent_since_ms.is_some() {
            return;
        }
        if self.outage {
            self.within(100, HEARTBEAT_MS, Timer::Heartbeat(process));
            return;
        }
        let Some(member) = client.member else {
            return self.join(process);
        };
        let pulse = self.group.pulse(member, client.instance.as_ref());
        let client = &mut self.clients[process];
        match (pulse, client.standing) {
            (Pulse::Fenced, _) => {
                let taken = "another process has the same group.instance.id".to_owned();
                client.fault = Some(Fault::Restart(taken));
                client.member = None;
            }
            (Pulse::Unknown, Standing::Waiting) => {
                client.member = None;
                self.stand_outside(process);
            }
            (Pulse::Unknown, Standing::Yielding) => {
                client.member = None;
                if let Some(Rebalance::Revoked { lost }) = client.changes.front_mut() {
                    *lost = true;
                }
            }
            // The worker has not answered the last change, or has not even got it: one change after the other.
            (Pulse::Unknown | Pulse::Rebalance, Standing::Holding { answered: false })
            | (Pulse::Rebalance, Standing::Waiting) => {
                self.within(20, 500, Timer::Heartbeat(process));
            }
            (Pulse::Unknown, Standing::Holding { answered: true }) => {
                client.member = None;
                self.revoke(process, true);
            }
            (Pulse::Rebalance, Standing::Holding { answered: true }) => self.revoke(process, false),
            (_, Standing::Outside) => self.join(process),
            _ => {}
        }
        self.stirred = true;
    }

    /// A client hears of its partitions in a new generation.
    pub fn deliver(&mut self, process: ProcessId, generation: u32) {
        let client = &self.clients[process];
        let Some(member) = client.member.filter(|_| !client.dead) else {
            return;
        };
        if client.standing != Standing::Waiting {
            return;
        }
        let assigned = self.assigned(member);
        self.note(
            "assigned",
            &[process as i64, generation.into(), assigned.len() as i64],
        );
        let client = &mut self.clients[process];
        client.generation = generation;
        client.standing = Standing::Holding { answered: false };
        client.changes.push_back(Rebalance::Assigned(assigned));
        self.stirred = true;
        // The generation may be over by now.
        self.within(0, HEARTBEAT_MS, Timer::Heartbeat(process));
    }

    /// Tells the worker to give its partitions up. One that has none is not asked.
    fn revoke(&mut self, process: ProcessId, lost: bool) {
        let client = &mut self.clients[process];
        if client.lanes.is_empty() {
            return self.stand_outside(process);
        }
        client.standing = Standing::Yielding;
        client.changes.push_back(Rebalance::Revoked { lost });
    }

    fn stand_outside(&mut self, process: ProcessId) {
        let client = &mut self.clients[process];
        client.standing = Standing::Outside;
        client.lanes.clear();
        self.within(1, 200, Timer::Join(process));
    }

    /// The worker asks for news.
    pub fn next_change(&mut self, process: ProcessId) -> Result<Option<Rebalance>, Fault> {
        let client = &mut self.clients[process];
        if let Some(fault) = client.fault.take() {
            return Err(fault);
        }
        let change = client.changes.pop_front();
        match &change {
            Some(Rebalance::Revoked { lost }) => {
                self.note("revoked", &[process as i64, (*lost).into()])
            }
            Some(Rebalance::Assigned(places)) => {
                self.note("told", &[process as i64, places.len() as i64])
            }
            None => {}
        }
        Ok(change)
    }

    /// The worker takes its partitions.
    pub fn take_lanes(&mut self, process: ProcessId, starts: &[(TopicPartition, i64)]) {
        let client = &mut self.clients[process];
        let lane = |position| Lane {
            position,
            handed: false,
            paused: false,
            end_told: None,
        };
        client.lanes = starts
            .iter()
            .map(|(place, from)| (*place, lane(*from)))
            .collect();
        if let Standing::Holding { answered } = &mut client.standing {
            *answered = true;
        }
        self.within(0, 500, Timer::Heartbeat(process));
    }

    /// The worker gives its partitions up.
    pub fn give_up_lanes(&mut self, process: ProcessId) {
        let client = &mut self.clients[process];
        client.lanes.clear();
        match &mut client.standing {
            Standing::Yielding => self.stand_outside(process),
            Standing::Holding { answered } => *answered = true,
            _ => {}
        }
    }

    /// The worker stops or goes on fetching some of its partitions.
    pub fn pause_lanes(&mut self, process: ProcessId, places: &[TopicPartition], paused: bool) {
        for place in places {
            if let Some(lane) = self.clients[process].lanes.get_mut(place) {
                lane.paused = paused;
            }
        }
    }

    /// The partitions that are being fetched.
    pub fn fetching(&self, process: ProcessId) -> Vec<TopicPartition> {
        let lanes = self.clients[process].lanes.iter();
        lanes
            .filter(|(_, lane)| !lane.paused)
            .map(|(place, _)| *place)
            .collect()
    }

    /// Hands over the next records of a partition, and passes over what no reader is handed.
    pub fn fetch(
        &mut self,
        process: ProcessId,
        place: TopicPartition,
        records_max: usize,
    ) -> Vec<(i64, Rc<StoredRecord>)> {
        let mut fetched = Vec::new();
        let (log, lanes) = (&self.logs[&place], &mut self.clients[process].lanes);
        let Some(lane) = lanes.get_mut(&place) else {
            return fetched;
        };
        while fetched.len() < records_max && lane.position < log.stable_end() {
            if let Some(record) = log.visible(lane.position) {
                fetched.push((lane.position, Rc::clone(record)));
            }
            lane.position += 1;
            lane.handed = true;
        }
        fetched
    }

    /// The end of a partition, if it was reached and not told of yet.
    pub fn told_end(&mut self, process: ProcessId, place: TopicPartition) -> Option<i64> {
        let end = self.logs[&place].stable_end();
        let lane = self.clients[process].lanes.get_mut(&place)?;
        let news = lane.position >= end && lane.end_told != Some(end);
        news.then(|| {
            lane.end_told = Some(end);
            end
        })
    }

    /// What the client says it is; nothing outside the group.
    pub fn membership(&self, process: ProcessId) -> Option<Membership> {
        let client = &self.clients[process];
        Some(Membership {
            member: client.member?,
            generation: client.generation,
            instance: client.instance.clone(),
        })
    }
}
