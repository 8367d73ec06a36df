//! Who goes into the next call: lanes, company, and those who go alone.

use std::collections::BTreeSet;

use super::{
    Lane,
    flight::{Key, Place, Serial},
};
use crate::wire::MAX_BATCH;

/// Who waits in one line. A call leads with the highest lane; every fourth leads with the oldest, so that nothing
/// starves. What room is left in a call of callers is filled up with other callers; refreshes keep to themselves, so that a
/// tenant that was never served cannot spoil them, and so that they stay in step.
#[derive(Debug, Default)]
pub(super) struct Plan {
    lanes: [Queue; 3],
    calls: u64,
}

#[derive(Debug, Default)]
struct Queue {
    company: BTreeSet<(Serial, Key)>,
    alone: BTreeSet<(Serial, Key)>,
}

const BY_PRECEDENCE: [Lane; 3] = [Lane::Interactive, Lane::Refresh, Lane::Bulk];

impl Plan {
    pub(super) fn insert(&mut self, key: Key, place: Place) {
        self.queue(place).insert((place.serial, key));
    }

    pub(super) fn remove(&mut self, key: Key, place: Place) {
        self.queue(place).remove(&(place.serial, key));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lanes.iter().all(|queue| queue.first().is_none())
    }

    /// How many slots' worth of calls wait here, in fifths: who goes alone needs a whole slot.
    pub(super) fn fifths(&self) -> usize {
        self.lanes.iter().map(|queue| queue.company.len() + MAX_BATCH * queue.alone.len()).sum()
    }

    /// How many refreshes wait here in company.
    pub(super) fn refreshes(&self) -> usize {
        self.lanes[Lane::Refresh as usize].company.len()
    }

    /// The refresh that has waited longest.
    pub(super) fn first_refresh(&self) -> Option<Key> {
        self.lanes[Lane::Refresh as usize].company.first().map(|(_, key)| *key)
    }

    /// Whether the next call would gain nothing by waiting for company.
    pub(super) fn next_is_whole(&self) -> bool {
        let callers = [Lane::Interactive, Lane::Bulk].map(|lane| self.lanes[lane as usize].company.len());
        let alone = self.lanes.iter().any(|queue| !queue.alone.is_empty());
        alone || callers[0] > 0 || callers[1] >= MAX_BATCH || self.refreshes() >= MAX_BATCH
    }

    /// Takes so many at most, the highest lane first, whether they like company or not.
    pub(super) fn take_any(&mut self, most: usize) -> Vec<Key> {
        let mut keys = Vec::new();
        for lane in BY_PRECEDENCE {
            let queue = &mut self.lanes[lane as usize];
            for line in [&mut queue.company, &mut queue.alone] {
                while keys.len() < most
                    && let Some((_, key)) = line.pop_first()
                {
                    keys.push(key);
                }
            }
        }
        keys
    }

    /// Takes those who go into the next call together: one who goes alone, or in company as many as there is room for.
    pub(super) fn take(&mut self, room: usize) -> Option<Vec<Key>> {
        let lead = self.leading_lane()?;
        self.calls += 1;
        let queue = &mut self.lanes[lead as usize];
        let first = queue.first();
        if queue.alone.first().map(|(serial, _)| *serial) == first {
            return queue.alone.pop_first().map(|(_, key)| vec![key]);
        }
        let room = room.min(MAX_BATCH);
        let mut group = Vec::with_capacity(room);
        let lanes: &[Lane] = match lead {
            Lane::Interactive => &[Lane::Interactive, Lane::Bulk],
            Lane::Bulk => &[Lane::Bulk, Lane::Interactive],
            Lane::Refresh => &[Lane::Refresh],
        };
        for lane in lanes {
            let company = &mut self.lanes[*lane as usize].company;
            while group.len() < room
                && let Some((_, key)) = company.pop_first()
            {
                group.push(key);
            }
        }
        Some(group)
    }

    fn leading_lane(&self) -> Option<Lane> {
        let mut waiting =
            BY_PRECEDENCE.into_iter().filter_map(|lane| Some((self.lanes[lane as usize].first()?, lane)));
        if self.calls % 4 == 3 {
            return waiting.min().map(|(_, lane)| lane);
        }
        waiting.next().map(|(_, lane)| lane)
    }

    fn queue(&mut self, place: Place) -> &mut BTreeSet<(Serial, Key)> {
        let queue = &mut self.lanes[place.lane as usize];
        if place.alone { &mut queue.alone } else { &mut queue.company }
    }
}

impl Queue {
    fn first(&self) -> Option<Serial> {
        let firsts = [self.company.first(), self.alone.first()];
        firsts.into_iter().flatten().map(|(serial, _)| *serial).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queued(places: &[(u32, Lane, bool)]) -> Plan {
        let mut plan = Plan::default();
        let serials = std::iter::successors(Some(Serial::FIRST), |serial| Some(serial.next()));
        for (serial, (key, lane, alone)) in serials.zip(places) {
            plan.insert(Key(*key), Place { lane: *lane, serial, alone: *alone });
        }
        plan
    }

    fn calls(plan: &mut Plan) -> Vec<Vec<u32>> {
        std::iter::from_fn(|| plan.take(MAX_BATCH))
            .map(|keys| keys.iter().map(|key| key.0).collect())
            .collect()
    }

    #[test]
    fn what_waits_leaves_in_fives_in_the_order_it_came() {
        let mut plan = queued(&(0..12).map(|n| (n, Lane::Bulk, false)).collect::<Vec<_>>());
        assert!(!plan.is_empty());
        assert_eq!(calls(&mut plan), [vec![0, 1, 2, 3, 4], vec![5, 6, 7, 8, 9], vec![10, 11]]);
        assert!(plan.is_empty());
    }

    #[test]
    fn the_highest_lane_leads_and_the_others_fill_up() {
        let mut plan =
            queued(&[(0, Lane::Bulk, false), (1, Lane::Bulk, false), (2, Lane::Interactive, false)]);
        assert_eq!(calls(&mut plan), [[2, 0, 1]]);
    }

    #[test]
    fn refreshes_keep_to_themselves() {
        let mut plan = queued(&[
            (0, Lane::Refresh, false),
            (1, Lane::Bulk, false),
            (2, Lane::Interactive, false),
            (3, Lane::Refresh, false),
        ]);
        assert_eq!(calls(&mut plan), [[2, 1], [0, 3]]);
    }

    #[test]
    fn who_goes_alone_has_no_company() {
        let mut plan = queued(&[(0, Lane::Bulk, true), (1, Lane::Bulk, false), (2, Lane::Bulk, false)]);
        assert_eq!(calls(&mut plan), [vec![0], vec![1, 2]]);
    }

    #[test]
    fn every_fourth_call_leads_with_the_oldest() {
        let mut places = vec![(0, Lane::Bulk, true)];
        places.extend((1..6).map(|n| (n, Lane::Interactive, true)));
        assert_eq!(calls(&mut queued(&places)), [[1], [2], [3], [0], [4], [5]]);
    }

    #[test]
    fn what_was_removed_never_leaves() {
        let mut plan = Plan::default();
        let place = Place { lane: Lane::Bulk, serial: Serial::FIRST, alone: false };
        plan.insert(Key(7), place);
        plan.remove(Key(7), place);
        assert_eq!(plan.take(MAX_BATCH), None);
    }

    #[test]
    fn who_only_looks_needs_no_company() {
        let mut plan = queued(&[(0, Lane::Bulk, true), (1, Lane::Refresh, false), (2, Lane::Bulk, false)]);
        assert_eq!(plan.fifths(), 7);
        assert_eq!(plan.take_any(2), [Key(1), Key(2)]);
        assert_eq!((plan.take_any(2), plan.fifths()), (vec![Key(0)], 0));
    }

    #[test]
    fn refreshes_that_wait_in_company_are_counted_and_the_first_is_named() {
        let mut plan = queued(&[
            (0, Lane::Refresh, true),
            (1, Lane::Bulk, false),
            (2, Lane::Refresh, false),
            (3, Lane::Refresh, false),
        ]);
        assert_eq!((plan.refreshes(), plan.first_refresh()), (2, Some(Key(2))));
        plan.take_any(4);
        assert_eq!((plan.refreshes(), plan.first_refresh()), (0, None));
    }

    #[test]
    fn a_call_of_callers_leaves_at_once_and_the_others_when_they_are_five() {
        for lane in [Lane::Bulk, Lane::Refresh] {
            let is_whole =
                |count| queued(&(0..count).map(|n| (n, lane, false)).collect::<Vec<_>>()).next_is_whole();
            assert_eq!([0, 4, 5, 6].map(is_whole), [false, false, true, true]);
        }
        assert!(queued(&[(0, Lane::Interactive, false)]).next_is_whole());
        assert!(queued(&[(0, Lane::Bulk, true)]).next_is_whole());
    }
}
