//! Items that can't succeed, because a file that they read is missing or a file can't be written where they write it.

use super::{check::Batch, error::Error, summary::Update};
use crate::{graph::Disk, words::count};

/// The most items whose files are looked at before the first one runs. The files of all others are looked at just before they run.
const LOOKED_AT: usize = 10_000;

impl Batch {
    /// The problems of the files of an item.
    fn file_problems(&self, item: usize, disk: &mut Disk) -> Vec<String> {
        // Its other problems are reported when it runs.
        let Ok(checked) = self.plan().checked(item) else { return Vec::new() };
        checked.file_problems(&self.shape().needed, disk).iter().map(ToString::to_string).collect()
    }

    /// Whether an item may have such problems.
    fn is_suspect(&self, item: usize, disk: &mut Disk) -> bool {
        let plan = self.plan();
        let mut files = Vec::new();
        !plan.own_files(item, &mut files) || files.iter().chain(plan.shared()).any(|file| disk.is_suspect(file))
    }

    /// Refuses problems that every item of the batch has.
    pub(super) fn refuse_shared_problems(&self) -> Result<(), Error> {
        let mut disk = Disk::default();
        let mut shared = self.file_problems(0, &mut disk);
        for item in 1..self.len() {
            if shared.is_empty() {
                break;
            }
            let own = self.file_problems(item, &mut disk);
            shared.retain(|problem| own.contains(problem));
        }
        let problems = count(shared.len(), "problem");
        let Some(last) = shared.last_mut() else { return Ok(()) };
        *last += &format!("\n{problems} in {}; no item ran", self.file.origin);
        Err(Error { messages: shared, ..Error::usage("") })
    }

    /// The first of these items that has no such problem, of the first ones.
    pub(super) fn first_ready(&self, to_run: &[u32]) -> Option<usize> {
        let mut disk = Disk::default();
        let mut items = to_run.iter().take(LOOKED_AT).map(|item| *item as usize);
        items.find(|&item| !self.is_suspect(item, &mut disk) || self.file_problems(item, &mut disk).is_empty())
    }

    /// Says what is wrong with these items before the first one runs.
    pub(super) fn say_unready(&self, to_run: &[u32], watch: &dyn Fn(Update<'_>)) {
        let mut disk = Disk::default();
        let mut first: Option<(usize, String)> = None;
        let mut items = 0;
        for &item in to_run.iter().take(LOOKED_AT) {
            let item = item as usize;
            if !self.is_suspect(item, &mut disk) {
                continue;
            }
            let Some(problem) = self.file_problems(item, &mut disk).into_iter().next() else { continue };
            items += 1;
            first.get_or_insert((item, problem));
        }
        let Some((item, problem)) = first else { return };
        let of = (to_run.len() > LOOKED_AT).then_some(LOOKED_AT);
        watch(Update::Unready { items, of, first: &self.items.name(item), problem: &problem });
    }
}
