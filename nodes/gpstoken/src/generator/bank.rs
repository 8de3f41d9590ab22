//! Recorded layouts: the authors' `initg.pickle`, or a record of the type LAYOUT.

use crate::canvas::{Corners, Gaussian};
use splatgraph_sdk::{
    Canvas, DType, Error, Input, Layout, Record, Result, Tensor,
    checkpoint::{Pickle, numpy_array, parse_pickle},
};
use std::{collections::BTreeMap, path::Path};

/// Layouts to choose from.
#[derive(Debug)]
pub struct Bank {
    /// About the canvas of all of them.
    pub header: Canvas,
    layouts: Vec<Recorded>,
    /// Which layouts are there for a class, in the order of their indices; `None` where all are there for all classes.
    classes: Option<BTreeMap<i64, Vec<usize>>>,
}

/// A layout of one picture.
#[derive(Debug)]
pub struct Recorded {
    /// [N]
    pub gaussians: Vec<Gaussian>,
    /// [N]
    pub regions: Option<Vec<Corners>>,
}

/// How the pickles of all protocols from 2 on begin.
const PICKLE: u8 = 0x80;

impl Bank {
    /// Reads a bank; the content decides which kind it is, not the name.
    ///
    /// # Errors
    /// The file can't be read, is damaged or of another kind, or is a pickle that asks for code.
    pub fn open(path: &Path) -> Result<Self> {
        let read = || Self::from_bytes(std::fs::read(path)?);
        read().map_err(|e: Error| e.about_file("reading a bank of layouts", path))
    }

    /// From a whole file's content.
    ///
    /// # Errors
    /// See [`Bank::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        if bytes.first() == Some(&PICKLE) { Self::from_pickle(bytes) } else { Self::from_record(&bytes) }
    }

    /// A dict of lists of arrays [N, 5 or more] by class, of which the first five columns count. Lists are turned round: the
    /// authors' code takes the last entry first.
    fn from_pickle(bytes: Vec<u8>) -> Result<Self> {
        let root = parse_pickle(&bytes)?;
        drop(bytes);
        let Pickle::Dict(pairs) = root else {
            return Err(Error::new(format!("a dict of lists of NumPy arrays was expected, {} came", root.describe())));
        };
        let mut layouts = Vec::new();
        let mut classes: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (key, value) in pairs {
            let Pickle::Int(class) = key else {
                return Err(Error::new(format!("a dict with ints for classes was expected, {} came", key.describe())));
            };
            let Pickle::List(entries) = value else {
                return Err(Error::new(format!(
                    "a list of NumPy arrays was expected for class {class}, {} came",
                    value.describe()
                )));
            };
            let of_class = classes.entry(class).or_default();
            for (index, entry) in entries.into_iter().enumerate().rev() {
                let read = numpy_array(&entry).and_then(|array| first_five_columns(&array));
                let gaussians = read.map_err(|e| e.context(format!("entry {index} of class {class}")))?;
                of_class.push(layouts.len());
                layouts.push(Recorded { gaussians, regions: None });
            }
        }
        Ok(Self { header: Canvas::default(), layouts, classes: Some(classes) })
    }

    /// The rows of a LAYOUT; a field `classes` [B] of whole numbers says which class each is of.
    fn from_record(bytes: &[u8]) -> Result<Self> {
        let record = Record::from_safetensors(bytes)
            .map_err(|e| e.context("a pickle of layouts or a record of the type LAYOUT was expected"))?;
        let classes = record.field("classes").map(class_numbers).transpose()?;
        let Layout { gaussians, regions, header } = Layout::from_value(&record.into_value())?;
        let [batch, count, _] = gaussians.dims()?;
        if classes.as_ref().is_some_and(|classes| classes.len() != batch) {
            return Err(Error::new(format!(
                "a field `classes` with a number for each of the {batch} layouts was expected"
            )));
        }
        let rows = gaussians.as_slice::<f32>()?.as_chunks::<5>().0;
        let corners = regions.as_ref().map(|regions| regions.as_slice::<f32>()).transpose()?;
        let corners = corners.map(|corners| corners.as_chunks::<4>().0);
        let layouts = (0..batch).map(|b| b * count..(b + 1) * count).map(|row| Recorded {
            gaussians: rows[row.clone()].to_vec(),
            regions: corners.map(|corners| corners[row].to_vec()),
        });
        let by_class = |classes: Vec<i64>| {
            let mut all: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
            for (row, class) in classes.into_iter().enumerate() {
                all.entry(class).or_default().push(row);
            }
            all
        };
        Ok(Self { header, layouts: layouts.collect(), classes: classes.map(by_class) })
    }

    /// The layouts of a class from `index` on.
    ///
    /// # Errors
    /// There are none of this class, or too few.
    pub fn get(&self, class: i64, index: usize, count: usize) -> Result<Vec<&Recorded>> {
        let every: Vec<usize>;
        let (of_class, of_what) = match &self.classes {
            None => {
                every = (0..self.layouts.len()).collect();
                (&every, "in all".to_owned())
            }
            Some(classes) => match classes.get(&class) {
                Some(of_class) => (of_class, format!("for class {class}")),
                None => {
                    return Err(Error::input(
                        "class",
                        format!("layouts {} are in the bank, none for class {class}", class_range(classes)),
                    ));
                }
            },
        };
        let chosen = index.checked_add(count).and_then(|end| of_class.get(index..end));
        let Some(chosen) = chosen else {
            let last = index.saturating_add(count - 1);
            let to = if count > 1 {
                format!("those of index {index} to {last} were")
            } else {
                format!("that of index {index} was")
            };
            return Err(Error::input(
                "index",
                format!(
                    "{} layouts are in the bank {of_what}, counted from 0; {to} asked for. Use a smaller index, or a larger bank",
                    of_class.len()
                ),
            ));
        };
        Ok(chosen.iter().map(|&layout| &self.layouts[layout]).collect())
    }
}

fn first_five_columns(array: &Tensor) -> Result<Vec<Gaussian>> {
    let expected = || {
        Error::new(format!(
            "an array [N, 5 or more] of floats was expected, one of {} of shape {:?} came",
            array.dtype(),
            array.shape()
        ))
    };
    let &[_, columns] = array.shape() else { return Err(expected()) };
    if columns < 5 || !matches!(array.dtype(), DType::F32 | DType::F16 | DType::F64) {
        return Err(expected());
    }
    Ok(array.to_f32().chunks_exact(columns).map(|row| std::array::from_fn(|column| row[column])).collect())
}

fn class_numbers(classes: &Tensor) -> Result<Vec<i64>> {
    match (classes.shape(), classes.dtype()) {
        ([_], DType::I64) => Ok(classes.as_slice::<i64>()?.to_vec()),
        ([_], DType::I32) => Ok(classes.as_slice::<i32>()?.iter().map(|class| i64::from(*class)).collect()),
        (shape, dtype) => Err(Error::new(format!(
            "a field `classes` of the shape [B] and of the type i64 was expected, it has {shape:?} and {dtype}"
        ))),
    }
}

/// `for the classes 0 to 9 (10 of them)`
fn class_range(classes: &BTreeMap<i64, Vec<usize>>) -> String {
    match (classes.first_key_value(), classes.last_key_value(), classes.len()) {
        (Some((only, _)), _, 1) => format!("for class {only}"),
        (Some((first, _)), Some((last, _)), count) => format!("for {count} classes from {first} to {last}"),
        _ => "for no class at all".to_owned(),
    }
}
