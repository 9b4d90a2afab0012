//! Who is what where, as it stands now: the sample data, and what the control page changed.

mod claims;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::people::{Account, OrganisationRole, SampleOrganisation, SamplePerson, SamplePlace, people};

pub(super) use claims::{Shape, organisation_json};

/// The file that keeps the changes.
const FILE: &str = "changes.json";

/// Why the directory's changes cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The file cannot be read or written.
    #[error("{path}, which keeps the changes made on the control page, cannot be used", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("{path} does not hold changes made on the control page: delete it to begin anew", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The person is not of the organisation.
    #[error("that person does not belong to that organisation")]
    NotThere,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Changes {
    /// Whether the API refuses to list approvers.
    #[serde(default)]
    approvers_refused: bool,
    /// By `sub/organisation`: whether the person is an approver there now.
    #[serde(default)]
    approver: BTreeMap<String, bool>,
}

/// Stand-in for the directory behind DfE Sign-in. Changes survive a restart.
#[derive(Debug)]
pub struct StandInDirectory {
    path: PathBuf,
    changes: Mutex<Changes>,
    /// Held while a change is written, so that the file ends with the last of them.
    writing: tokio::sync::Mutex<()>,
}

impl StandInDirectory {
    /// Reads the changes kept in the folder, if any.
    pub async fn open(folder: &Path) -> Result<Self, DirectoryError> {
        let path = folder.join(FILE);
        let changes = match tokio::fs::read(&path).await {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|source| DirectoryError::Content { path: path.clone(), source })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Changes::default(),
            Err(source) => return Err(DirectoryError::File { path, source }),
        };
        Ok(Self { path, changes: Mutex::new(changes), writing: tokio::sync::Mutex::new(()) })
    }

    /// What the person is at a place of theirs now.
    pub fn role(&self, person: &SamplePerson, place: &SamplePlace) -> OrganisationRole {
        let key = key(person.sub, place.organisation.id());
        let changed = self.read(|changes| changes.approver.get(&key).copied());
        match changed {
            Some(true) => OrganisationRole::Approver,
            Some(false) => OrganisationRole::EndUser,
            None => place.role,
        }
    }

    /// Makes a person an approver of an organisation that they belong to, or no longer one.
    pub async fn set_approver(
        &self,
        sub: Uuid,
        organisation: Uuid,
        approver: bool,
    ) -> Result<(), DirectoryError> {
        let known = people().iter().find(|person| person.sub == sub && person.account == Account::Active);
        if known.and_then(|person| person.place_at(organisation)).is_none() {
            return Err(DirectoryError::NotThere);
        }
        self.change(|changes| {
            changes.approver.insert(key(sub, organisation), approver);
        })
        .await
    }

    /// Whether the API answers 403 when it is asked for approvers, as DfE Sign-in does for services without
    /// the permission.
    pub fn approvers_refused(&self) -> bool {
        self.read(|changes| changes.approvers_refused)
    }

    /// Sets whether the API refuses to list approvers.
    pub async fn refuse_approvers(&self, refused: bool) -> Result<(), DirectoryError> {
        self.change(|changes| changes.approvers_refused = refused).await
    }

    /// The organisations that a person may choose from when signing in: those where they hold the service if
    /// they hold it anywhere, otherwise all.
    pub(super) fn offered(person: &SamplePerson) -> Vec<SampleOrganisation> {
        let held = person.places.iter().any(|place| place.service_role.is_some());
        person
            .places
            .iter()
            .filter(|place| !held || place.service_role.is_some())
            .map(|place| place.organisation)
            .collect()
    }

    fn read<T>(&self, look: impl FnOnce(&Changes) -> T) -> T {
        look(&self.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes a change once it is on disk; if it cannot be kept, it is not made.
    async fn change(&self, make: impl FnOnce(&mut Changes)) -> Result<(), DirectoryError> {
        let _turn = self.writing.lock().await;
        let mut next = self.read(Changes::clone);
        make(&mut next);
        let content = |source| DirectoryError::Content { path: self.path.clone(), source };
        let file = |source| DirectoryError::File { path: self.path.clone(), source };
        let bytes = serde_json::to_vec_pretty(&next).map_err(content)?;
        let beside = self.path.with_extension("new");
        tokio::fs::write(&beside, bytes).await.map_err(file)?;
        tokio::fs::rename(&beside, &self.path).await.map_err(file)?;
        *self.changes.lock().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }
}

fn key(sub: Uuid, organisation: Uuid) -> String {
    format!("{sub}/{organisation}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::person;

    #[tokio::test]
    async fn an_approver_made_on_the_control_page_is_one_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let jowan = person("jowan-trelawney").unwrap();
        let place = &jowan.places[0];
        let directory = StandInDirectory::open(folder.path()).await.unwrap();
        assert_eq!(directory.role(jowan, place), OrganisationRole::EndUser);
        directory.set_approver(jowan.sub, place.organisation.id(), true).await.unwrap();
        directory.refuse_approvers(true).await.unwrap();

        let again = StandInDirectory::open(folder.path()).await.unwrap();
        assert_eq!(again.role(jowan, place), OrganisationRole::Approver);
        assert!(again.approvers_refused());
        again.set_approver(jowan.sub, place.organisation.id(), false).await.unwrap();
        assert_eq!(again.role(jowan, place), OrganisationRole::EndUser);
    }

    #[tokio::test]
    async fn nobody_is_made_an_approver_of_an_organisation_that_is_not_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let directory = StandInDirectory::open(folder.path()).await.unwrap();
        let owen = person("owen-featherstone").unwrap();
        let school = crate::demo::school("fernhollow").unwrap();
        let refused = directory.set_approver(owen.sub, school.id, true).await;
        assert!(matches!(refused, Err(DirectoryError::NotThere)));
    }

    #[test]
    fn who_holds_the_service_somewhere_is_offered_only_those_organisations() {
        let two = StandInDirectory::offered(person("ngozi-eze").unwrap());
        assert_eq!(two.len(), 2, "no service anywhere: all are offered");
        assert_eq!(StandInDirectory::offered(person("owen-featherstone").unwrap()), []);
    }
}
