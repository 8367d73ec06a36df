//! A table of what is known of each tenant, by its key.

use super::flight::Key;

/// Keys count up from zero and are used again, so each has a place of its own. Places come by the page: a table that doubles would
/// be half empty after that, and would be copied at once.
#[derive(Debug)]
pub(super) struct Slots<T> {
    pages: Vec<Box<[Option<T>]>>,
    len: usize,
}

const PAGE: usize = 64;

impl<T> Slots<T> {
    pub(super) fn get(&self, key: Key) -> Option<&T> {
        let (page, place) = place_of(key);
        self.pages.get(page)?.get(place)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let (page, place) = place_of(key);
        self.pages.get_mut(page)?.get_mut(place)?.as_mut()
    }

    pub(super) fn contains(&self, key: Key) -> bool {
        self.get(key).is_some()
    }

    /// Answers what was there before.
    pub(super) fn insert(&mut self, key: Key, value: T) -> Option<T> {
        let (page, place) = place_of(key);
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, Box::default);
        }
        let page = &mut self.pages[page];
        if page.is_empty() {
            *page = std::iter::repeat_with(|| None).take(PAGE).collect();
        }
        let before = page[place].replace(value);
        self.len += usize::from(before.is_none());
        before
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        let (page, place) = place_of(key);
        let value = self.pages.get_mut(page)?.get_mut(place)?.take()?;
        self.len -= 1;
        Some(value)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), len: 0 }
    }
}

fn place_of(Key(number): Key) -> (usize, usize) {
    let number = number as usize;
    (number / PAGE, number % PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_a_place_of_its_own() {
        let mut slots = Slots::default();
        assert!(slots.get(Key(0)).is_none() && slots.remove(Key(7)).is_none());
        for number in [0, 63, 64, 1_000] {
            assert_eq!(slots.insert(Key(number), number), None);
        }
        assert_eq!((slots.len(), slots.contains(Key(65)), slots.contains(Key(200))), (4, false, false));
        assert_eq!(slots.pages.len(), 1_000 / PAGE + 1);
        assert_eq!(slots.insert(Key(64), 5), Some(64));
        *slots.get_mut(Key(1_000)).unwrap() += 1;
        assert_eq!(
            (slots.get(Key(0)), slots.get(Key(64)), slots.get(Key(1_000))),
            (Some(&0), Some(&5), Some(&1_001))
        );
        assert_eq!((slots.remove(Key(63)), slots.remove(Key(63)), slots.len()), (Some(63), None, 3));
    }
}
