//! Keeping every tenant of the application fresh, as they come and go.

use std::sync::Arc;

use tm_core::{Error, ErrorKind};
use tm_driver::Followed;

use crate::{lister, shared::Shared};

/// Keeps those fresh that are in the list now, and starts the task that follows it.
pub(crate) async fn follow(shared: &Arc<Shared>) -> Result<usize, Error> {
    let runtime = Shared::runtime()?;
    let mut followed = Followed::new()?;
    let count = read(shared, &mut followed).await?;
    let shared = Arc::clone(shared);
    runtime.spawn(async move {
        let mut failed = false;
        loop {
            let pause = followed.pause(failed);
            tokio::select! {
                biased;
                () = shared.closing() => return,
                result = async { tokio::time::sleep(pause).await; read(&shared, &mut followed).await } => {
                    failed = result.is_err_and(|error| is_about_the_list(&error));
                }
            }
        }
    });
    Ok(count)
}

/// That there is no room is no reason to read the list again soon.
fn is_about_the_list(error: &Error) -> bool {
    error.kind() != ErrorKind::Config
}

/// Reads the list, and keeps fresh who is in it.
async fn read(shared: &Arc<Shared>, followed: &mut Followed) -> Result<usize, Error> {
    let list = lister::all_pages(shared).await?;
    let count = list.len();
    let (come, gone) = followed.update(list);
    shared.carry_out(shared.engine.let_fade(&gone));
    let (kept, todo) = shared.engine.keep_fresh(&come);
    shared.carry_out(todo);
    if kept.is_err() {
        followed.missed(come);
    }
    kept.map(|()| count)
}
