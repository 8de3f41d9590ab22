//! Recorded layouts: the authors' `initg.pickle`, or a record of the type LAYOUT.

use crate::canvas::{Corners, Gaussian};
use splatgraph_sdk::{
    Canvas, DType, Error, Input, Layout, Record, Result, Tensor,
    checkpoint::{Pickle, numpy_array, parse_pickle},
    read_whole,
};
use std::{collections::BTreeMap, path::Path};

/// Recorded layouts to choose from.
#[derive(Debug)]
pub struct Bank {
    /// The header of all layouts.
    pub header: Canvas,
    layouts: Vec<Recorded>,
    /// The layouts of each class, in the order of their indices; `None` if every class has all layouts.
    classes: Option<BTreeMap<i64, Vec<usize>>>,
}

/// A layout of one picture.
#[derive(Debug)]
pub struct Recorded {
    /// `[N]`
    pub gaussians: Vec<Gaussian>,
    /// `[N]`
    pub regions: Option<Vec<Corners>>,
}

/// The first byte of a pickle of protocol 2 or later.
const PICKLE: u8 = 0x80;

impl Bank {
    /// Reads a bank. Its content decides the kind, not its name.
    ///
    /// # Errors
    /// The file cannot be read, is damaged or of another kind, or is a pickle that asks to run code.
    pub fn open(path: &Path) -> Result<Self> {
        let read = || Self::from_bytes(read_whole(path)?);
        read().map_err(|e: Error| e.about_file("reading a bank of layouts", path))
    }

    /// Reads a bank from the content of a whole file.
    ///
    /// # Errors
    /// See [`Bank::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        if bytes.first() == Some(&PICKLE) { Self::from_pickle(bytes) } else { Self::from_record(&bytes) }
    }

    /// Reads a dict of lists of arrays [N, 5 or more] by class; the first five columns count. Lists are reversed, as the
    /// authors' code takes the last entry first.
    fn from_pickle(bytes: Vec<u8>) -> Result<Self> {
        let root = parse_pickle(&bytes)?;
        drop(bytes);
        let Pickle::Dict(pairs) = root else {
            return Err(Error::new(format!("expected a dict of lists of NumPy arrays, got {}", root.describe())));
        };
        let mut layouts = Vec::new();
        let mut classes: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (key, value) in pairs {
            let Pickle::Int(class) = key else {
                return Err(Error::new(format!("expected a dict with ints for classes, got {}", key.describe())));
            };
            let Pickle::List(entries) = value else {
                return Err(Error::new(format!(
                    "expected a list of NumPy arrays for class {class}, got {}",
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

    /// Reads the rows of a LAYOUT; a field `classes` [B] of whole numbers gives the class of each.
    fn from_record(bytes: &[u8]) -> Result<Self> {
        let record = Record::from_safetensors(bytes)
            .map_err(|e| e.context("expected a pickle of layouts or a record of the type LAYOUT"))?;
        let classes = record.field("classes").map(class_numbers).transpose()?;
        let Layout { gaussians, regions, header } = Layout::from_value(&record.into_value())?;
        let [batch, count, _] = gaussians.dims()?;
        if classes.as_ref().is_some_and(|classes| classes.len() != batch) {
            return Err(Error::new(format!(
                "expected one number in the field `classes` for each layout, {batch} in all, got {}",
                classes.map_or(0, |classes| classes.len())
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
    /// The bank has no layouts of this class, or too few.
    pub fn get(&self, class: i64, index: usize, count: usize) -> Result<Vec<&Recorded>> {
        if self.layouts.is_empty() {
            return Err(Error::input("path", "expected a bank with at least one layout, got one without layouts"));
        }
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
                        format!(
                            "expected a class with layouts, got {class}; the bank has layouts {}",
                            class_range(classes)
                        ),
                    ));
                }
            },
        };
        let chosen = index.checked_add(count).and_then(|end| of_class.get(index..end));
        let Some(chosen) = chosen else {
            let last = index.saturating_add(count - 1);
            let got = if count > 1 { format!("{index} to {last}") } else { index.to_string() };
            return Err(Error::input(
                "index",
                format!(
                    "expected an index below {}, the number of layouts {of_what}, got {got}. Use a smaller index, or a larger bank",
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
            "expected an array [N, 5 or more] of floats, got one of {} with the shape {:?}",
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
            "expected a field `classes` of the shape [B] and the type i64, got {shape:?} and {dtype}"
        ))),
    }
}

/// `for 10 classes from 0 to 9`
fn class_range(classes: &BTreeMap<i64, Vec<usize>>) -> String {
    match (classes.first_key_value(), classes.last_key_value(), classes.len()) {
        (Some((only, _)), _, 1) => format!("for class {only}"),
        (Some((first, _)), Some((last, _)), count) => format!("for {count} classes from {first} to {last}"),
        _ => "for no class at all".to_owned(),
    }
}
