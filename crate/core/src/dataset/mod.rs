//! Labelled examples and their classes, and the split of them into training and validation.

mod folds;
mod groups;
mod split;

pub use folds::folds;
pub use groups::Groups;
pub(crate) use groups::twins;
pub use split::{SMALLEST_CLASS_TO_HOLD_OUT, Split};

use crate::error::{Error, Result};
use crate::image::Traits;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One labelled image, known by its number; the pixels stay with the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// Number of the example, never used twice in a project.
    pub id: u32,
    /// Label of its class.
    pub label: String,
    /// Name of what it was taken together with, such as a burst of the camera: examples of one group are either learnt from
    /// or judged.
    pub group: Option<String>,
}

/// A class and how many examples it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassCount {
    /// Label of the class.
    pub label: String,
    /// Number of its examples.
    pub count: usize,
}

/// Examples in the order they were added, classes in the order they were first named.
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    labels: Vec<String>,
    /// How many examples each label has, kept up to date: it is asked for after every change.
    counts: BTreeMap<String, usize>,
    examples: Vec<Example>,
    traits: BTreeMap<u32, Traits>,
    next_id: u32,
}

impl Dataset {
    /// Adds a class that has no examples yet; nothing happens where it exists.
    ///
    /// # Errors
    /// `OPTION_INVALID` for an empty label.
    pub fn add_class(&mut self, label: &str) -> Result<()> {
        let label = checked("label", label)?;
        if !self.labels.iter().any(|known| known == label) {
            self.labels.push(label.to_owned());
        }
        Ok(())
    }

    /// Adds an example, and its class where that is new; returns the example's number.
    ///
    /// # Errors
    /// `OPTION_INVALID` for an empty label.
    pub fn add(&mut self, label: &str) -> Result<u32> {
        self.add_class(label)?;
        let id = self.next_id;
        self.next_id += 1;
        let label = label.trim().to_owned();
        *self.counts.entry(label.clone()).or_default() += 1;
        self.examples.push(Example { id, label, group: None });
        Ok(id)
    }

    /// Puts an example into a group, or into none.
    ///
    /// # Errors
    /// `OPTION_INVALID` for an empty name or where there is no such example.
    pub fn set_group(&mut self, id: u32, group: Option<&str>) -> Result<()> {
        let index = self.position(id)?;
        let group = group.map(|name| checked("group", name)).transpose()?;
        if let Some(example) = self.examples.get_mut(index) {
            example.group = group.map(str::to_owned);
        }
        Ok(())
    }

    /// Keeps what the pixels of an example tell. Nothing happens where it was removed meanwhile.
    pub fn set_traits(&mut self, id: u32, traits: Traits) {
        if self.get(id).is_some() {
            self.traits.insert(id, traits);
        }
    }

    /// What the pixels of an example tell, once they were seen.
    pub fn traits(&self, id: u32) -> Option<&Traits> {
        self.traits.get(&id)
    }

    /// Removes an example; its class stays.
    ///
    /// # Errors
    /// `OPTION_INVALID` where there is no such example.
    pub fn remove(&mut self, id: u32) -> Result<()> {
        let index = self.position(id)?;
        let example = self.examples.remove(index);
        self.discount(&example.label);
        self.traits.remove(&id);
        Ok(())
    }

    /// Moves an example to another class, which is made where it is new.
    ///
    /// # Errors
    /// `OPTION_INVALID` for an empty label or where there is no such example.
    pub fn relabel(&mut self, id: u32, label: &str) -> Result<()> {
        let index = self.position(id)?;
        self.add_class(label)?;
        if let Some(example) = self.examples.get_mut(index) {
            let label = label.trim().to_owned();
            *self.counts.entry(label.clone()).or_default() += 1;
            let before = std::mem::replace(&mut example.label, label);
            self.discount(&before);
        }
        Ok(())
    }

    /// Gives a class another label.
    ///
    /// # Errors
    /// `LABEL_UNKNOWN` where there is no such class; `OPTION_INVALID` for an empty label or one that another class has.
    pub fn rename_class(&mut self, label: &str, to: &str) -> Result<()> {
        let (label, to) = (self.known(label)?, checked("to", to)?.to_owned());
        if label != to && self.labels.contains(&to) {
            return Err(Error::OptionInvalid {
                option: "to".into(),
                found: format!("`{to}`, the label of another class"),
                expected: "a label that no class has".into(),
            });
        }
        for name in self.labels.iter_mut().chain(self.examples.iter_mut().map(|e| &mut e.label)) {
            if *name == label {
                name.clone_from(&to);
            }
        }
        if let Some(count) = self.counts.remove(&label) {
            self.counts.insert(to, count);
        }
        Ok(())
    }

    /// Removes a class and its examples; returns their numbers.
    ///
    /// # Errors
    /// `LABEL_UNKNOWN` where there is no such class.
    pub fn remove_class(&mut self, label: &str) -> Result<Vec<u32>> {
        let label = self.known(label)?;
        let ids: Vec<u32> = self.examples.iter().filter(|e| e.label == label).map(|e| e.id).collect();
        self.traits.retain(|id, _| ids.binary_search(id).is_err());
        self.examples.retain(|e| e.label != label);
        self.counts.remove(&label);
        self.labels.retain(|name| *name != label);
        Ok(ids)
    }

    /// All examples, in the order they were added.
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// The example of this number.
    pub fn get(&self, id: u32) -> Option<&Example> {
        self.position(id).ok().and_then(|index| self.examples.get(index))
    }

    /// The classes' labels, in the order they were first named.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The classes and their counts, in the order they were first named.
    pub fn classes(&self) -> Vec<ClassCount> {
        let count = |label: &String| self.counts.get(label).copied().unwrap_or(0);
        self.labels.iter().map(|label| ClassCount { label: label.clone(), count: count(label) }).collect()
    }

    /// Whether the classes can be told apart at all.
    ///
    /// # Errors
    /// `TOO_FEW_EXAMPLES` with fewer than two classes, or with a class that has no example.
    pub fn check_trainable(&self) -> Result<()> {
        let classes = self.classes();
        if classes.len() < 2 {
            return Err(Error::TooFewExamples {
                needed: "at least two classes".into(),
                found: match classes.first() {
                    Some(only) => format!("one class, `{}`", only.label),
                    None => "none".into(),
                },
            });
        }
        if let Some(empty) = classes.iter().find(|class| class.count == 0) {
            return Err(Error::TooFewExamples {
                needed: "at least one example in every class".into(),
                found: format!("none in `{}`; remove the class if it is not wanted", empty.label),
            });
        }
        Ok(())
    }

    fn discount(&mut self, label: &str) {
        if let Some(count) = self.counts.get_mut(label) {
            *count -= 1;
        }
    }

    fn known(&self, label: &str) -> Result<String> {
        let label = label.trim();
        if self.labels.iter().any(|name| name == label) {
            return Ok(label.to_owned());
        }
        Err(Error::LabelUnknown { label: label.to_owned(), known: self.labels.join(", ") })
    }

    /// Numbers only grow, so the examples are sorted by them.
    fn position(&self, id: u32) -> Result<usize> {
        self.examples.binary_search_by_key(&id, |e| e.id).map_err(|_| Error::OptionInvalid {
            option: "id".into(),
            found: id.to_string(),
            expected: "the id of an example that was added and not removed".into(),
        })
    }
}

/// A name without the white space around it.
fn checked<'a>(option: &str, name: &'a str) -> Result<&'a str> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::OptionInvalid {
            option: option.into(),
            found: "empty".into(),
            expected: "at least one character that is not white space".into(),
        });
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(labels: &[&str]) -> Dataset {
        let mut dataset = Dataset::default();
        for label in labels {
            dataset.add(label).unwrap();
        }
        dataset
    }

    #[test]
    fn classes_keep_the_order_they_were_named_in() {
        let mut data = dataset(&["dog", "cat", "dog"]);
        data.add_class("ant").unwrap();
        let counts: Vec<_> = data.classes().into_iter().map(|c| (c.label, c.count)).collect();
        assert_eq!(counts, [("dog".into(), 2), ("cat".into(), 1), ("ant".into(), 0)]);
    }

    #[test]
    fn counts_follow_every_change() {
        let mut data = dataset(&["dog", "cat", "dog", "cat", "cow", "cow"]);
        data.remove(0).unwrap();
        data.relabel(1, "cow").unwrap();
        data.relabel(3, "ant").unwrap();
        data.relabel(2, "dog").unwrap();
        data.rename_class("cow", "calf").unwrap();
        data.rename_class("dog", "dog").unwrap();
        data.remove_class("ant").unwrap();
        data.add("ant").unwrap();
        let counts: Vec<_> = data.classes().into_iter().map(|class| (class.label, class.count)).collect();
        assert_eq!(counts, [("dog".into(), 1), ("cat".into(), 0), ("calf".into(), 3), ("ant".into(), 1)]);
    }

    #[test]
    fn an_id_is_never_used_twice() {
        let mut data = dataset(&["dog", "cat"]);
        data.remove(1).unwrap();
        assert_eq!(data.add("cat").unwrap(), 2);
        assert_eq!(data.remove(1).unwrap_err().code(), "OPTION_INVALID");
    }

    #[test]
    fn white_space_around_a_label_is_not_part_of_it() {
        let mut data = dataset(&["dog", " dog "]);
        data.relabel(1, "cat\n").unwrap();
        assert_eq!(data.labels(), ["dog", "cat"]);
        assert_eq!(data.add("  ").unwrap_err().code(), "OPTION_INVALID");
        assert_eq!(data.examples().len(), 2, "a refused label adds nothing");
    }

    #[test]
    fn renaming_onto_another_class_is_refused() {
        let mut data = dataset(&["dog", "cat"]);
        assert_eq!(data.rename_class("dog", "cat").unwrap_err().code(), "OPTION_INVALID");
        assert_eq!(data.rename_class("cow", "calf").unwrap_err().code(), "LABEL_UNKNOWN");
        data.rename_class("dog", "hound").unwrap();
        assert_eq!(data.examples()[0].label, "hound");
    }

    #[test]
    fn removing_a_class_removes_its_examples() {
        let mut data = dataset(&["dog", "cat", "dog"]);
        assert_eq!(data.remove_class("dog").unwrap(), [0, 2]);
        assert_eq!(data.labels(), ["cat"]);
    }

    #[test]
    fn one_class_or_an_empty_class_cannot_be_trained() {
        assert_eq!(dataset(&[]).check_trainable().unwrap_err().code(), "TOO_FEW_EXAMPLES");
        assert_eq!(dataset(&["dog"]).check_trainable().unwrap_err().code(), "TOO_FEW_EXAMPLES");
        let mut data = dataset(&["dog", "cat"]);
        data.check_trainable().unwrap();
        data.remove(0).unwrap();
        assert!(data.check_trainable().unwrap_err().to_string().contains("`dog`"));
    }
}
