//! Where the values of a program are kept: a value's place is given to another one when no step reads it any more.

use std::collections::BTreeMap;

use super::layer::room;
use super::operation::Value;
use super::program::{Image, Step, Work};
use crate::error::Result;

/// Places for maps, `[panels][images][pixels][8]`.
#[derive(Debug, Default)]
pub struct Slots {
    places: BTreeMap<Value, Place>,
    maps: Vec<Vec<f32>>,
}

/// Where a value is.
#[derive(Debug, Default)]
struct Place {
    /// Among the maps.
    index: usize,
    /// As long as it was written; the map's memory may have held a longer one.
    len: usize,
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
            let index = free.pop().unwrap_or_else(|| {
                slots.maps.push(Vec::new());
                slots.maps.len() - 1
            });
            slots.places.insert(value, Place { index, len: 0 });
            live.push(value);
            live.retain(|&old| {
                let over = old != value && last_read(old).is_none_or(|last| Some(last) <= at);
                free.extend(slots.places.get(&old).filter(|_| over).map(|place| place.index));
                !over
            });
        }
        slots
    }

    /// The map of a value that was written.
    pub fn get(&self, value: Value) -> &[f32] {
        let map = self.places.get(&value).and_then(|place| self.maps.get(place.index)?.get(..place.len));
        map.unwrap_or_default()
    }

    /// The place of a value, as long as asked: all of it is to be written.
    pub fn get_mut(&mut self, value: Value, len: usize) -> &mut [f32] {
        self.memory(value, len).map(|map| room(map, len)).unwrap_or_default()
    }

    /// Runs a step on `images` images.
    ///
    /// # Errors
    /// As the step gives them.
    pub fn run(&mut self, step: &Step, image: Image<'_>, images: usize, work: &mut Work) -> Result<()> {
        let len = images * step.output.len();
        // It is out of its place while the others are read.
        let mut out = self.memory(step.writes, len).map(std::mem::take).unwrap_or_default();
        let inputs: Vec<&[f32]> = step.reads.iter().map(|value| self.get(*value)).collect();
        let result = step.run(image, &inputs, images, work, room(&mut out, len));
        if let Some(memory) = self.memory(step.writes, len) {
            *memory = out;
        }
        result
    }

    /// The memory of a value that is to be so long.
    fn memory(&mut self, value: Value, len: usize) -> Option<&mut Vec<f32>> {
        let place = self.places.get_mut(&value)?;
        place.len = len;
        self.maps.get_mut(place.index)
    }
}
