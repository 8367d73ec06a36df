//! Keeping every tenant of the application fresh, as they come and go.

use std::sync::Arc;

use tm_core::Error;
use tm_driver::{Followed, Listed};
use tokio::{runtime::Handle, time::Instant};

use crate::{lister, shared::Shared};

/// The list that is followed, and when it is to be read again.
pub(crate) struct Following {
    followed: Followed,
    due: Instant,
}

/// Keeps those fresh that are in the list now, and starts the task that follows it.
pub(crate) async fn follow(shared: &Arc<Shared>) -> Result<usize, Error> {
    let runtime = Shared::runtime()?;
    let mut followed = Followed::new()?;
    let count = read(shared, &mut followed).await?;
    let due = Instant::now() + followed.pause(None);
    Following { followed, due }.go_on(shared, &runtime);
    Ok(count)
}

impl Following {
    /// In a task of this runtime.
    pub(crate) fn go_on(self, shared: &Arc<Shared>, runtime: &Handle) {
        let follower = Follower { shared: Arc::clone(shared), following: Some(self) };
        runtime.spawn(follower.follow());
    }
}

/// A task that follows the list until the client is closed. If its runtime ends first, another goes on.
struct Follower {
    shared: Arc<Shared>,
    following: Option<Following>,
}

impl Follower {
    async fn follow(mut self) {
        while let Some(Following { followed, due }) = &mut self.following {
            let read = async {
                tokio::time::sleep_until(*due).await;
                read(&self.shared, followed).await
            };
            let error = tokio::select! {
                biased;
                () = self.shared.closing() => break,
                result = read => result.err(),
            };
            *due = Instant::now() + followed.pause(error.as_ref());
            self.shared.set_list_error(error);
        }
        self.following = None;
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        if let Some(following) = self.following.take() {
            self.shared.leave_following(following);
        }
    }
}

/// Reads the list, and keeps fresh who is in it.
async fn read(shared: &Arc<Shared>, followed: &mut Followed) -> Result<usize, Error> {
    let list = lister::all_pages(shared, Listed::readable).await?;
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

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use async_trait::async_trait;
    use bytes::Bytes;
    use http::{Request, Response};
    use tm_core::{
        AppName, AppVersion, Application, Credentials, Gateway, TenantId, TransportError, TransportFault,
    };
    use tm_driver::{Limits, Setup};
    use tokio::runtime::{Builder, Runtime};

    use super::*;
    use crate::{Client, Transport};

    /// A service without a network, so that time may pass as fast as it likes. The second time its list cannot be read.
    #[derive(Default)]
    struct Service {
        lists: AtomicUsize,
    }

    #[async_trait]
    impl Transport for Arc<Service> {
        async fn send(&self, request: Request<Bytes>, _: Limits) -> Result<Response<Bytes>, TransportError> {
            let body = if request.uri().path().ends_with("/userTenants") {
                let number = self.lists.fetch_add(1, Ordering::Relaxed) + 1;
                if number == 2 {
                    return Err(TransportError::new(TransportFault::Tls));
                }
                r#"{"page":{"totalElements":1},"userTenants":[{"id":"acme"}]}"#
            } else {
                r#"{"access_token":"abc","token_type":"bearer","expires_in":1799}"#
            };
            Ok(Response::new(body.into()))
        }
    }

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
    }

    async fn within_minutes(minutes: u64, happened: impl Fn() -> bool) {
        for _ in 0..=minutes * 6 {
            if happened() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(10)).await; // sleep: of a paused clock
        }
        panic!("{minutes} minutes are over");
    }

    #[test]
    fn who_follows_the_list_goes_on_in_the_next_runtime() {
        let service = Arc::<Service>::default();
        let lists = || service.lists.load(Ordering::Relaxed);
        let application = Application {
            gateway: Gateway::region("eu1").unwrap(),
            host_tenant: TenantId::new("host").unwrap(),
            name: AppName::new("app").unwrap(),
            version: AppVersion::new("1").unwrap(),
        };
        let setup = Setup::new(application, Credentials::new("client", "hush").unwrap());
        let client = Client::builder(setup).transport(Arc::clone(&service)).build().unwrap();

        assert_eq!(runtime().block_on(client.keep_fresh_all()).unwrap(), 1);
        assert!(lists() == 1 && client.list_error().is_none());

        let next = runtime();
        next.block_on(async {
            client.token("another").await.unwrap();
            within_minutes(15, || client.list_error().is_some()).await;
            assert_eq!(lists(), 2);
            within_minutes(2, || client.list_error().is_none()).await;
            assert_eq!(lists(), 3);
        });
    }
}
