//! Who may look into a store: its user alone.

use std::{
    fs::{self, DirBuilder, Permissions},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown, symlink},
    path::Path,
};

use tm_cache::{FileStore, Store as _};

use crate::support::{HOUR, Place, key, lease, names, owner, put, record};

#[test]
fn all_that_is_made_is_for_the_user_alone() {
    let place = Place::new();
    let store = place.store();
    put(&store, &key("k"), record("t", 100));
    lease(&store, &key("k"), &owner(1), HOUR);
    lease(&store, &key("leased"), &owner(1), HOUR);

    let mut seen = 0;
    let mut folders = vec![place.path()];
    while let Some(folder) = folders.pop() {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for path in names(&folder).iter().map(|name| folder.join(name)) {
            if path.is_dir() {
                folders.push(path);
            } else {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 5, "a record, a lease, two locks, the sweep");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn a_directory_that_others_can_look_into_is_refused() {
    let place = Place::new();
    drop(place.store());
    for mode in [0o755, 0o750, 0o701, 0o720, 0o1777] {
        fs::set_permissions(place.path(), Permissions::from_mode(mode)).unwrap();
        let error = FileStore::open(place.path()).unwrap_err().to_string();
        assert!(error.contains("chmod 700") && error.contains(&format!("{mode:04o}")), "{error}");
    }
    fs::set_permissions(place.path(), Permissions::from_mode(0o700)).unwrap();
    FileStore::open(place.path()).unwrap();
}

#[test]
fn a_directory_of_somebody_else_is_refused() {
    let place = Place::new();
    DirBuilder::new().mode(0o700).create(place.path()).unwrap();
    let we = fs::metadata(place.path()).unwrap().uid();
    let path = if we == 0 {
        chown(place.path(), Some(12_345), None).unwrap();
        place.path()
    } else {
        "/".into() // of root
    };
    let error = FileStore::open(path).unwrap_err().to_string();
    assert!(error.contains("belongs to user") && error.contains(&we.to_string()), "{error}");
}

#[test]
fn what_is_no_directory_is_an_error_that_names_it() {
    let place = Place::new();
    fs::write(place.path(), "").unwrap();
    for path in [place.path(), place.path().join("below")] {
        let error = FileStore::open(&path).unwrap_err().to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
    }
}

#[test]
fn a_link_to_a_directory_is_followed_once() {
    let place = Place::new();
    let link = place.beside("link");
    DirBuilder::new().mode(0o700).create(place.path()).unwrap();
    symlink(place.path(), &link).unwrap();
    let store = FileStore::open(&link).unwrap();
    assert_eq!(store.directory(), place.path().canonicalize().unwrap());
    fs::remove_file(&link).unwrap();
    symlink("/nowhere", &link).unwrap();
    store.put_many(&[(key("k"), record("t", 100))]).unwrap();
    assert!(place.file_of(&key("k")).exists());
}
