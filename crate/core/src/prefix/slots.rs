//! Where the values of a program are kept: a value's place is given to another one when no step reads it any more.

use std::collections::BTreeMap;

use super::operation::Value;
use super::program::{Image, Step, Work};
use crate::error::Result;

/// Places for maps, `[panels][images][pixels][8]`.
#[derive(Debug, Default)]
pub struct Slots {
    place: BTreeMap<Value, usize>,
    maps: Vec<Vec<f32>>,
}

impl Slots {
    /// Finds a place for all that the steps write, and for `given`, which is there before them.
    pub fn new(steps: &[Step], given: Option<Value>) -> Self {
        let mut slots = Self::default();
        let mut free = Vec::new();
        let last_read = |value: Value| steps.iter().rposition(|step| step.reads.contains(&value));
        let mut live: Vec<Value> = Vec::new();
        for (at, value) in given
            .map(|value| (None, value))
            .into_iter()
            .chain(steps.iter().enumerate().map(|(at, step)| (Some(at), step.writes)))
        {
            // What this step reads is still there while it writes.
            let place = free.pop().unwrap_or_else(|| {
                slots.maps.push(Vec::new());
                slots.maps.len() - 1
            });
            slots.place.insert(value, place);
            live.push(value);
            live.retain(|&old| {
                let over = old != value && last_read(old).is_none_or(|last| Some(last) <= at);
                free.extend(slots.place.get(&old).filter(|_| over));
                !over
            });
        }
        slots
    }

    /// The map of a value that was written.
    pub fn get(&self, value: Value) -> &[f32] {
        self.place.get(&value).and_then(|place| self.maps.get(*place)).map_or(&[], Vec::as_slice)
    }

    /// The place of a value, made as long as asked.
    pub fn get_mut(&mut self, value: Value, len: usize) -> &mut [f32] {
        match self.place.get(&value).and_then(|place| self.maps.get_mut(*place)) {
            Some(map) => {
                map.resize(len, 0.0);
                map
            }
            None => &mut [],
        }
    }

    /// Runs a step on `images` images.
    ///
    /// # Errors
    /// As the step gives them.
    pub fn run(&mut self, step: &Step, image: Image<'_>, images: usize, work: &mut Work) -> Result<()> {
        let mut out = self.take(step.writes);
        out.resize(images * step.output.len(), 0.0);
        let inputs: Vec<&[f32]> = step.reads.iter().map(|value| self.get(*value)).collect();
        let result = step.run(image, &inputs, images, work, &mut out);
        if let Some(map) = self.place.get(&step.writes).and_then(|place| self.maps.get_mut(*place)) {
            *map = out;
        }
        result
    }

    fn take(&mut self, value: Value) -> Vec<f32> {
        let map = self.place.get(&value).and_then(|place| self.maps.get_mut(*place));
        map.map(std::mem::take).unwrap_or_default()
    }
}
