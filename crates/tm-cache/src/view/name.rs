//! A tenant's id as the key of the view's map.

use std::{
    borrow::Borrow,
    fmt,
    hash::{Hash, Hasher},
};

use tm_core::TenantId;

/// A short id, as nearly all are, lies in the map's entry: no other line of memory is read to compare it.
#[derive(Clone)]
pub(super) enum Name {
    Short { length: u8, text: [u8; Self::SHORT] },
    Long(TenantId),
}

impl Name {
    const SHORT: usize = 22;

    pub(super) fn of(tenant: &TenantId) -> Self {
        let (bytes, mut text) = (Self::bytes(tenant), [0; Self::SHORT]);
        match (text.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(bytes);
                Self::Short { length, text }
            }
            _ => Self::Long(tenant.clone()),
        }
    }

    /// What a name is looked up by.
    pub(super) fn bytes<Q: AsRef<str> + ?Sized>(tenant: &Q) -> &[u8] {
        tenant.as_ref().as_bytes()
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short { length, text } => &text[..usize::from(*length)],
            Self::Long(tenant) => Self::bytes(tenant),
        }
    }
}

impl Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Name {}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        String::from_utf8_lossy(self.as_bytes()).fmt(f)
    }
}
