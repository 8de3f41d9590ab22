//! The classes and functions that a checkpoint may name.

use crate::{Error, Result};

/// Names in the module `torch` that torch's own safe loader accepts, beside element types, storages and kinds of tensors.
const TORCH: [&str; 7] = [
    "Size",
    "device",
    "per_channel_affine",
    "per_channel_affine_float_qparams",
    "per_channel_symmetric",
    "per_tensor_affine",
    "per_tensor_symmetric",
];

/// The types of elements in `torch`, without `int` and `uint` of any size.
const TYPES: [&str; 24] = [
    "bfloat16",
    "bits16",
    "bits1x8",
    "bits2x4",
    "bits4x2",
    "bits8",
    "bool",
    "complex128",
    "complex32",
    "complex64",
    "float16",
    "float32",
    "float4_e2m1fn_x2",
    "float64",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
    "qint32",
    "qint8",
    "quint2x4",
    "quint4x2",
    "quint8",
];

/// Names of other modules: functions that rebuild tensors, containers, and plain data of Python and NumPy.
const OTHERS: [(&str, &[&str]); 13] = [
    (
        "torch._utils",
        &[
            "_rebuild_device_tensor_from_cpu_tensor",
            "_rebuild_device_tensor_from_numpy",
            "_rebuild_meta_tensor_no_storage",
            "_rebuild_nested_tensor",
            "_rebuild_parameter",
            "_rebuild_parameter_with_state",
            "_rebuild_qtensor",
            "_rebuild_sparse_tensor",
            "_rebuild_tensor",
            "_rebuild_tensor_v2",
            "_rebuild_tensor_v3",
            "_rebuild_wrapper_subclass",
            "_rebuild_xla_tensor",
        ],
    ),
    ("torch._tensor", &["_rebuild_from_type_v2"]),
    ("torch.tensor", &["_rebuild_from_type_v2"]),
    ("torch.nn.parameter", &["Parameter"]),
    ("torch.serialization", &["_get_layout"]),
    ("torch.storage", &["TypedStorage", "UntypedStorage", "_TypedStorage", "_UntypedStorage"]),
    ("torch.nested._internal.nested_tensor", &["NestedTensor", "_rebuild_njt"]),
    ("collections", &["Counter", "OrderedDict", "defaultdict"]),
    (
        "builtins",
        &[
            "bool",
            "bytearray",
            "bytes",
            "complex",
            "dict",
            "float",
            "frozenset",
            "int",
            "list",
            "set",
            "slice",
            "str",
            "tuple",
        ],
    ),
    ("_codecs", &["encode"]),
    (
        "numpy",
        &[
            "bool", "bool_", "dtype", "float16", "float32", "float64", "int16", "int32", "int64", "int8", "ndarray",
            "uint16", "uint32", "uint64", "uint8",
        ],
    ),
    ("numpy._core.multiarray", &["_reconstruct", "scalar"]),
    ("numpy._core.numeric", &["_frombuffer"]),
];

/// The elements of storages and tensors, as the names of their classes begin.
const ELEMENTS: [&str; 18] = [
    "",
    "BFloat16",
    "Bool",
    "Byte",
    "Char",
    "ComplexDouble",
    "ComplexFloat",
    "Double",
    "Float",
    "Half",
    "Int",
    "Long",
    "QInt32",
    "QInt8",
    "QUInt2x4",
    "QUInt4x2",
    "QUInt8",
    "Short",
];

/// Accepts what torch's own safe loader (`weights_only`) accepts, and containers and numbers of Python and NumPy. Everything else
/// would be code.
///
/// # Errors
/// The name is none of these.
pub(super) fn accept(module: &str, name: &str) -> Result<()> {
    let known = match module_today(module) {
        "torch" => {
            TORCH.contains(&name)
                || is_type(name)
                || is_class(name, "Storage")
                || is_class(name, "Tensor")
                || name == "UntypedStorage"
        }
        "torch.cuda" => is_class(name, "Storage") || is_class(name, "Tensor"),
        "torch.sparse" | "torch.cuda.sparse" => is_class(name, "Tensor"),
        other => OTHERS.iter().any(|(module, names)| *module == other && names.contains(&name)),
    };
    if known {
        return Ok(());
    }
    Err(Error::new(format!(
        "expected a file without code, got one that asks to run `{module}.{name}`. If you trust the file, load it in Python and save its state_dict() as .safetensors"
    )))
}

/// The name that a module has in current versions of Python and NumPy.
pub(super) fn module_today(module: &str) -> &str {
    match module {
        "__builtin__" => "builtins",
        "numpy.core.multiarray" => "numpy._core.multiarray",
        "numpy.core.numeric" => "numpy._core.numeric",
        other => other,
    }
}

/// Whether this is an element type of `torch`, such as `float32` or `uint7`.
fn is_type(name: &str) -> bool {
    let bits = |prefix: &str| name.strip_prefix(prefix).and_then(|bits| bits.parse::<u8>().ok());
    TYPES.contains(&name)
        || bits("int")
            .or_else(|| bits("uint"))
            .is_some_and(|bits| (1..=8).contains(&bits) || matches!(bits, 16 | 32 | 64))
}

/// Whether this is a class like `FloatTensor`.
fn is_class(name: &str, kind: &str) -> bool {
    name.strip_suffix(kind).is_some_and(|elements| ELEMENTS.contains(&elements))
}
