//! The group coordinator: eager rebalances, generations, static members, and offsets that wait for their transactions.

use super::log::Txn;
use super::world::{ProcessId, Timer, World};
use churnwatch::kafka::TopicPartition;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A member not heard of for as long is thrown out.
pub const SESSION_TIMEOUT_MS: i64 = 45_000;
/// Heartbeats of a living client.
pub const HEARTBEAT_MS: i64 = 3_000;
/// Members get this long to give up their partitions and to join again: the client's `max.poll.interval.ms`.
const JOIN_TIMEOUT_MS: i64 = 300_000;
/// The first members of an empty group wait for more to come.
const FIRST_JOIN_MS: i64 = 3_000;

/// Identity that the coordinator gives to a member.
pub type MemberId = u64;

/// The group.
#[derive(Debug, Default)]
pub struct Group {
    generation: u32,
    phase: Phase,
    members: BTreeMap<MemberId, Member>,
    offsets: BTreeMap<TopicPartition, i64>,
    /// Offsets sent in transactions that have not ended.
    promised: BTreeMap<(Txn, TopicPartition), i64>,
    members_seen: MemberId,
    /// Counts rebalances, so that an old timer does not end a new one.
    rounds: u32,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    #[default]
    Empty,
    /// Members are asked to give everything up and to join again. The first of a group that was empty wait for some
    /// time whether more come, later ones for each other.
    Preparing {
        first: bool,
    },
    Stable,
}

#[derive(Debug)]
struct Member {
    process: ProcessId,
    instance: Option<Rc<str>>,
    /// Waits for the next generation.
    joined: bool,
    /// Partition numbers, the same of every topic.
    assigned: Vec<i32>,
}

/// What a client says it is when it commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    pub member: MemberId,
    pub generation: u32,
    pub instance: Option<Rc<str>>,
}

/// What a heartbeat brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulse {
    /// All is well.
    Fine,
    /// A rebalance is under way, and this member has not joined it yet.
    Rebalance,
    /// Thrown out.
    Unknown,
    /// Another process took over the static member.
    Fenced,
}

impl Group {
    /// Offset of the next record to process.
    pub fn committed(&self, place: TopicPartition) -> Option<i64> {
        self.offsets.get(&place).copied()
    }

    /// Whether an open transaction may still change a committed offset.
    pub fn is_promised(&self, place: TopicPartition) -> bool {
        self.promised.keys().any(|(_, promised)| *promised == place)
    }

    /// Takes an offset that counts if its transaction is committed.
    pub fn promise(&mut self, transaction: Txn, place: TopicPartition, offset: i64) {
        self.promised.insert((transaction, place), offset);
    }

    /// A transaction ended.
    pub fn settle(&mut self, transaction: Txn, commit: bool) {
        let first = TopicPartition {
            topic: 0,
            partition: i32::MIN,
        };
        let mut later = self.promised.split_off(&(transaction, first));
        let mut rest = later.split_off(&(transaction + 1, first));
        if commit {
            let promised = later.into_iter();
            self.offsets
                .extend(promised.map(|((_, place), offset)| (place, offset)));
        }
        self.promised.append(&mut rest);
    }

    /// Checks who commits. While a rebalance is being prepared the members of the last generation still may.
    pub fn check(&self, membership: &Membership) -> Result<(), &'static str> {
        match self.pulse_of(membership.member, membership.instance.as_ref()) {
            Pulse::Unknown => Err("unknown member id"),
            Pulse::Fenced => Err("fenced instance id"),
            _ if membership.generation != self.generation => Err("illegal generation"),
            _ => Ok(()),
        }
    }

    /// What a member's heartbeat is answered.
    pub fn pulse(&self, member: MemberId, instance: Option<&Rc<str>>) -> Pulse {
        match (self.pulse_of(member, instance), self.members.get(&member)) {
            (Pulse::Fine, Some(known)) if self.is_preparing() && !known.joined => Pulse::Rebalance,
            (pulse, _) => pulse,
        }
    }

    fn is_preparing(&self) -> bool {
        matches!(self.phase, Phase::Preparing { .. })
    }

    fn pulse_of(&self, member: MemberId, instance: Option<&Rc<str>>) -> Pulse {
        if self.members.contains_key(&member) {
            Pulse::Fine
        } else if instance.is_some_and(|instance| self.static_member(instance).is_some()) {
            Pulse::Fenced
        } else {
            Pulse::Unknown
        }
    }

    fn static_member(&self, instance: &Rc<str>) -> Option<MemberId> {
        let mut members = self.members.iter();
        members.find_map(|(id, member)| (member.instance.as_ref() == Some(instance)).then_some(*id))
    }

    fn new_member(&mut self) -> MemberId {
        self.members_seen += 1;
        self.members_seen
    }
}

impl World {
    /// JoinGroup of a process. A static member that comes back under its name within its session takes its place and
    /// its partitions over without a rebalance, and fences who was there before. Returns the member.
    pub fn join_group(
        &mut self,
        process: ProcessId,
        instance: Option<&Rc<str>>,
        member: Option<MemberId>,
    ) -> MemberId {
        let known = member.filter(|member| self.group.members.contains_key(member));
        let replaced = match known {
            Some(_) => None,
            None => instance.and_then(|instance| self.group.static_member(instance)),
        };
        let id = known.unwrap_or_else(|| self.group.new_member());
        let before = replaced.and_then(|replaced| self.group.members.remove(&replaced));
        if let Some(before) = &before {
            self.within(0, HEARTBEAT_MS, Timer::Heartbeat(before.process));
        }
        let assigned = before.map(|before| before.assigned);
        let takes_over = assigned.is_some() && self.group.phase == Phase::Stable;
        self.group.members.entry(id).or_insert_with(|| Member {
            process,
            instance: instance.cloned(),
            joined: false,
            assigned: assigned.unwrap_or_default(),
        });
        self.note("join", &[process as i64, id as i64, takes_over.into()]);
        if takes_over {
            self.within(1, 200, Timer::Assigned(process, self.group.generation));
            return id;
        }
        if !matches!(self.group.phase, Phase::Preparing { .. }) {
            self.rebalance();
        }
        self.group
            .members
            .entry(id)
            .and_modify(|member| member.joined = true);
        self.complete_if_joined();
        id
    }

    /// LeaveGroup.
    pub fn leave_group(&mut self, member: MemberId) {
        if self.group.members.remove(&member).is_some() {
            self.note("leave", &[member as i64]);
            self.after_removal();
        }
    }

    /// A member's session is over, unless it was heard of meanwhile.
    pub fn expire_session(&mut self, process: ProcessId) {
        let client = &self.clients[process];
        let silent = client
            .silent_since_ms
            .is_some_and(|since_ms| self.now_ms - since_ms >= SESSION_TIMEOUT_MS - HEARTBEAT_MS);
        let Some(member) = client.member.filter(|_| silent) else {
            return;
        };
        // Who waits for the next generation is not expected to say anything.
        if self
            .group
            .members
            .get(&member)
            .is_some_and(|member| !member.joined)
        {
            self.group.members.remove(&member);
            self.note("session timed out", &[process as i64, member as i64]);
            self.after_removal();
        }
    }

    /// Goes on without the members that have not joined.
    pub fn stop_waiting(&mut self, round: u32) {
        if self.group.is_preparing() && self.group.rounds == round {
            self.complete();
        }
    }

    fn after_removal(&mut self) {
        match self.group.phase {
            Phase::Stable if self.group.members.is_empty() => self.group.phase = Phase::Empty,
            Phase::Stable => self.rebalance(),
            _ => self.complete_if_joined(),
        }
    }

    /// Asks all members to join again. They hear of it with their next heartbeats.
    fn rebalance(&mut self) {
        let first = self.group.phase == Phase::Empty;
        self.group.phase = Phase::Preparing { first };
        self.group.rounds += 1;
        let patience_ms = if first {
            FIRST_JOIN_MS
        } else {
            JOIN_TIMEOUT_MS
        };
        self.at(
            self.now_ms + patience_ms,
            Timer::JoinTimeout(self.group.rounds),
        );
        let members = self.group.members.values_mut();
        let processes: Vec<ProcessId> = members
            .map(|member| {
                member.joined = false;
                member.process
            })
            .collect();
        for process in processes {
            self.within(0, HEARTBEAT_MS, Timer::Heartbeat(process));
        }
        self.note("rebalance", &[self.group.rounds.into()]);
    }

    fn complete_if_joined(&mut self) {
        let members = &self.group.members;
        if members.is_empty() {
            self.group.phase = Phase::Empty;
        } else if self.group.phase == (Phase::Preparing { first: false })
            && members.values().all(|member| member.joined)
        {
            self.complete();
        }
    }

    /// Begins the next generation: the `range` assignor gives each member a stretch of partition numbers, of every
    /// topic the same one.
    fn complete(&mut self) {
        let group = &mut self.group;
        group.members.retain(|_, member| member.joined);
        if group.members.is_empty() {
            group.phase = Phase::Empty;
            return;
        }
        group.generation += 1;
        group.phase = Phase::Stable;
        let (count, partitions) = (group.members.len() as i32, self.partitions);
        let mut next = 0;
        let mut hear = Vec::new();
        for (index, member) in (0..).zip(group.members.values_mut()) {
            let share = partitions / count + i32::from(index < partitions % count);
            member.assigned = (next..next + share).collect();
            member.joined = false;
            next += share;
            hear.push(member.process);
        }
        let generation = group.generation;
        self.note("generation", &[generation.into(), count.into()]);
        for process in hear {
            self.within(1, 200, Timer::Assigned(process, generation));
            if self.clients[process].silent_since_ms.is_some() {
                self.at(
                    self.now_ms + SESSION_TIMEOUT_MS,
                    Timer::SessionTimeout(process),
                );
            }
        }
    }

    /// The partitions of a member.
    pub fn assigned(&self, member: MemberId) -> Vec<TopicPartition> {
        let Some(member) = self.group.members.get(&member) else {
            return Vec::new();
        };
        let topics = 0..self.topics.len();
        topics
            .flat_map(|topic| {
                let partitions = member.assigned.iter();
                partitions.map(move |partition| TopicPartition {
                    topic,
                    partition: *partition,
                })
            })
            .collect()
    }
}
