//! Where sealed records lie: in the data folder, or in a bucket that the configuration names.
//!
//! A node that was given a bucket later keeps what it sealed before in its folder: both are read, new objects go to the
//! bucket. Nothing moves by itself.

use std::{collections::BTreeSet, io, path::Path, sync::Arc};

use cordon_guard::upstream::{ClientConfig, Environment};
use cordon_store::objects::{Content, FolderObjects, ObjectError, Objects, Put};

use crate::{
    config::Config,
    s3::{S3Error, S3Objects, S3Settings},
};

/// The bucket of a configuration, if it names one.
///
/// # Errors
/// When it cannot be used at all. Whether it answers is not asked.
pub fn bucket(
    settings: Option<&S3Settings>,
    client: &ClientConfig,
    environment: &Environment,
) -> Result<Option<Arc<dyn Objects>>, S3Error> {
    let open = |settings| S3Objects::new(settings, client, environment);
    Ok(settings.map(open).transpose()?.map(|bucket| Arc::new(bucket) as Arc<dyn Objects>))
}

/// The same, as a command finds it that is not the server.
///
/// # Errors
/// As [`bucket`].
pub fn bucket_of(config: &Config) -> Result<Option<Arc<dyn Objects>>, S3Error> {
    let environment = Environment::of_process();
    bucket(config.objects.as_ref(), &config.upstream.client_config(&environment), &environment)
}

/// The objects of a data folder's `objects` and, where there is one, of a bucket.
pub fn of_folder(folder: FolderObjects, bucket: Option<Arc<dyn Objects>>) -> Arc<dyn Objects> {
    match bucket {
        Some(bucket) => Arc::new(FolderThenBucket { folder, bucket }),
        None => Arc::new(folder),
    }
}

/// Whether a folder holds an object. What cannot be told counts as not held.
pub(crate) fn is_held(folder: &Path, name: &str) -> bool {
    FolderObjects::read_only(folder).size(name).is_ok_and(|size| size.is_some())
}

/// Writes, reads and removes something small below its own name, as sealing does.
///
/// # Errors
/// What the store refuses.
pub fn try_out(objects: &dyn Objects, name: &str) -> Result<(), ObjectError> {
    let text = b"cordon";
    objects.put_if_absent(name, &mut io::Cursor::new(text))?;
    let same = objects.get(name, text.len());
    let listed = objects.list(name);
    objects.delete(name)?;
    if same? != text || !listed?.iter().any(|found| found == name) {
        let source = io::Error::other(
            "what was written did not come back; help: see that nothing else uses its prefix",
        );
        return Err(ObjectError::Store { name: name.to_owned(), source });
    }
    Ok(())
}

/// A folder that no more objects come to, and the bucket in its place.
struct FolderThenBucket {
    folder: FolderObjects,
    bucket: Arc<dyn Objects>,
}

impl FolderThenBucket {
    fn of(&self, name: &str) -> Result<&dyn Objects, ObjectError> {
        Ok(if self.folder.size(name)?.is_some() { &self.folder } else { &*self.bucket })
    }
}

impl Objects for FolderThenBucket {
    fn put_if_absent(&self, name: &str, content: &mut dyn Content) -> Result<Put, ObjectError> {
        if self.folder.size(name)?.is_some() {
            return Ok(Put::Present);
        }
        self.bucket.put_if_absent(name, content)
    }

    fn get_range(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, ObjectError> {
        self.of(name)?.get_range(name, offset, length)
    }

    fn size(&self, name: &str) -> Result<Option<u64>, ObjectError> {
        self.of(name)?.size(name)
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError> {
        let mut names = BTreeSet::from_iter(self.folder.list(prefix)?);
        names.extend(self.bucket.list(prefix)?);
        Ok(names.into_iter().collect())
    }

    fn delete(&self, name: &str) -> Result<(), ObjectError> {
        self.bucket.delete(name)?;
        self.folder.delete(name)
    }
}

#[cfg(test)]
mod tests {
    use cordon_testkit::TempDir;

    use super::*;

    #[test]
    fn what_lies_in_the_folder_stays_readable_and_new_objects_go_to_the_bucket() {
        let (folder, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let open = |at: &TempDir| FolderObjects::open(&at.path().join("objects")).unwrap();
        open(&folder).put_if_absent("a/old", &mut io::Cursor::new(b"old")).unwrap();
        let bucket: Arc<dyn Objects> = Arc::new(open(&other));
        let both = of_folder(open(&folder), Some(Arc::clone(&bucket)));
        assert_eq!(both.put_if_absent("a/new", &mut io::Cursor::new(b"new")).unwrap(), Put::Stored);
        assert_eq!(both.put_if_absent("a/old", &mut io::Cursor::new(b"other")).unwrap(), Put::Present);
        assert_eq!(
            (both.get("a/old", 9).unwrap(), both.get("a/new", 9).unwrap()),
            (b"old".into(), b"new".into())
        );
        assert_eq!(both.list("a/").unwrap(), ["a/new", "a/old"]);
        assert_eq!(bucket.list("").unwrap(), ["a/new"]);
        for name in ["a/old", "a/new"] {
            both.delete(name).unwrap();
            assert_eq!(both.size(name).unwrap(), None);
        }
        assert!(matches!(both.get_range("a/old", 0, 1), Err(ObjectError::Absent(_))));
        try_out(&*both, "tried/x").unwrap();
        assert_eq!(both.list("").unwrap(), Vec::<String>::new());
    }
}
