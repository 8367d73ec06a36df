//! Keeping every tenant of the application fresh, as they come and go.

use std::{sync::Arc, thread, time::Duration};

use tm_core::{Error, ErrorKind};
use tm_driver::{Followed, Listed};

use crate::{lister, shared::Shared};

/// Keeps those fresh that are in the list now, and starts the thread that follows it.
pub(crate) fn follow(shared: &Arc<Shared>) -> Result<usize, Error> {
    let mut followed = Followed::new()?;
    let count = read(shared, &mut followed)?;
    let shared = Arc::clone(shared);
    let follow = move || {
        let mut pause = followed.pause(None);
        while !shared.workers.is_closed_within(pause) {
            let error = read(&shared, &mut followed).err();
            if shared.workers.is_closed_within(Duration::ZERO) {
                return;
            }
            pause = followed.pause(error.as_ref());
            shared.set_list_error(error);
        }
    };
    thread::Builder::new().name("tm-follow".to_owned()).spawn(follow).map_err(|error| {
        Error::new(ErrorKind::Transport, "the client's thread cannot be started").because(error)
    })?;
    Ok(count)
}

/// Reads the list, and keeps fresh who is in it.
fn read(shared: &Arc<Shared>, followed: &mut Followed) -> Result<usize, Error> {
    let list = lister::all_pages(shared, Listed::readable)?;
    let count = list.len();
    let (come, gone) = followed.update(list);
    shared.try_to_carry_out(shared.engine.let_fade(&gone));
    let (kept, todo) = shared.engine.keep_fresh(&come);
    shared.try_to_carry_out(todo);
    if kept.is_err() {
        followed.missed(come);
    }
    kept.map(|()| count)
}
