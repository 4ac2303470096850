//! Which objects of Python a pickle may name. What is allowed is known to build a value out of its arguments and to do nothing
//! else; whatever is not, is refused, for no list of what is dangerous is ever whole. The list of what is known to be dangerous
//! says only how certain that is.
//!
//! Sources: what PyTorch lets its `weights_only` loading build (`torch.serialization.add_safe_globals`), how NumPy, scikit-learn
//! and the standard library pickle their own types, and the public advisories on how scanners of pickles were passed by.

pub(crate) use super::dangerous::is_one as is_dangerous;
use super::dangerous::{self, is_module};

/// How an object of Python is thought of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trust {
    /// It builds a value.
    Known,
    /// Nobody knows what it does.
    Unknown,
    /// It runs code, starts programs, reads or writes files, talks to others, or leads to what does.
    Dangerous,
}

/// Objects by module.
const KNOWN: &[(&str, &[&str])] = &[
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
            "long",
            "object",
            "range",
            "set",
            "slice",
            "str",
            "tuple",
            "unicode",
            "xrange",
        ],
    ),
    ("collections", &["Counter", "OrderedDict", "defaultdict", "deque"]),
    // Each makes an object of a class that is named by itself.
    ("copyreg", &["__newobj__", "__newobj_ex__", "_reconstructor"]),
    ("_codecs", &["encode"]),
    ("argparse", &["Namespace"]),
    ("datetime", &["date", "datetime", "time", "timedelta", "timezone"]),
    ("decimal", &["Decimal"]),
    ("fractions", &["Fraction"]),
    ("pathlib", &["Path", "PosixPath", "PurePath", "PurePosixPath", "PureWindowsPath", "WindowsPath"]),
    ("types", &["SimpleNamespace"]),
    ("uuid", &["UUID"]),
    (
        "numpy",
        &[
            "bool_",
            "complex128",
            "complex64",
            "dtype",
            "float16",
            "float32",
            "float64",
            "int16",
            "int32",
            "int64",
            "int8",
            "mean",
            "median",
            "ndarray",
            "str_",
            "uint16",
            "uint32",
            "uint64",
            "uint8",
        ],
    ),
    ("numpy.core.multiarray", &["_reconstruct", "scalar"]),
    ("numpy._core.multiarray", &["_reconstruct", "scalar"]),
    ("numpy.core.numeric", &["_frombuffer"]),
    ("numpy._core.numeric", &["_frombuffer"]),
    ("numpy.ma.core", &["MaskedArray", "_mareconstruct"]),
    ("numpy.random._pickle", &["__bit_generator_ctor", "__generator_ctor", "__randomstate_ctor"]),
    ("numpy.random._mt19937", &["MT19937"]),
    ("numpy.random._pcg64", &["PCG64"]),
    ("numpy.random._philox", &["Philox"]),
    ("numpy.random._sfc64", &["SFC64"]),
    ("numpy.random.bit_generator", &["SeedSequence", "__pyx_unpickle_SeedSequence"]),
    ("numpy.random.mtrand", &["RandomState"]),
    ("pandas", &["DataFrame", "Index", "RangeIndex", "Series"]),
    ("pandas._libs.arrays", &["__pyx_unpickle_NDArrayBacked"]),
    ("pandas._libs.internals", &["_unpickle_block"]),
    ("pandas._libs.tslibs.timestamps", &["_unpickle_timestamp"]),
    ("pandas.core.arrays.categorical", &["Categorical"]),
    ("pandas.core.arrays.datetimes", &["DatetimeArray"]),
    ("pandas.core.dtypes.dtypes", &["CategoricalDtype", "DatetimeTZDtype"]),
    ("pandas.core.frame", &["DataFrame"]),
    ("pandas.core.indexes.base", &["Index", "_new_Index"]),
    ("pandas.core.indexes.category", &["CategoricalIndex"]),
    ("pandas.core.indexes.datetimes", &["DatetimeIndex", "_new_DatetimeIndex"]),
    ("pandas.core.indexes.multi", &["MultiIndex"]),
    ("pandas.core.indexes.numeric", &["Float64Index", "Int64Index", "UInt64Index"]),
    ("pandas.core.indexes.range", &["RangeIndex"]),
    ("pandas.core.internals.blocks", &["new_block"]),
    ("pandas.core.internals.managers", &["BlockManager", "SingleBlockManager"]),
    ("pandas.core.series", &["Series"]),
    ("scipy.interpolate._bsplines", &["BSpline"]),
    ("scipy.sparse._coo", &["coo_matrix"]),
    ("scipy.sparse._csc", &["csc_array", "csc_matrix"]),
    ("scipy.sparse._csr", &["csr_array", "csr_matrix"]),
    ("scipy.sparse.csc", &["csc_matrix"]),
    ("scipy.sparse.csr", &["csr_matrix"]),
    ("sklearn.cluster._kmeans", &["_kmeans_single_elkan", "_kmeans_single_lloyd"]),
    ("sklearn.feature_selection._mutual_info", &["mutual_info_classif", "mutual_info_regression"]),
    (
        "sklearn.feature_selection._univariate_selection",
        &["chi2", "f_classif", "f_oneway", "f_regression", "r_regression"],
    ),
    (
        "torch",
        &[
            "BFloat16Storage",
            "BoolStorage",
            "ByteStorage",
            "CharStorage",
            "ComplexDoubleStorage",
            "ComplexFloatStorage",
            "DoubleStorage",
            "FloatStorage",
            "HalfStorage",
            "IntStorage",
            "LongStorage",
            "QInt32Storage",
            "QInt8Storage",
            "QUInt8Storage",
            "ShortStorage",
            "Size",
            "Tensor",
            "bfloat16",
            "bool",
            "complex128",
            "complex64",
            "device",
            "float16",
            "float32",
            "float64",
            "float8_e4m3fn",
            "float8_e4m3fnuz",
            "float8_e5m2",
            "float8_e5m2fnuz",
            "float8_e8m0fnu",
            "int16",
            "int32",
            "int64",
            "int8",
            "qint32",
            "qint8",
            "quint8",
            "uint16",
            "uint32",
            "uint64",
            "uint8",
        ],
    ),
    ("torch._tensor", &["_rebuild_from_type_v2"]),
    (
        "torch._utils",
        &[
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
        ],
    ),
    // What the pickles of TorchScript name.
    (
        "torch.jit._pickle",
        &["build_boollist", "build_doublelist", "build_intlist", "build_tensorlist", "restore_type_tag"],
    ),
    ("torch.nn.parameter", &["Buffer", "Parameter"]),
    ("torch.serialization", &["_get_layout"]),
    ("torch.storage", &["TypedStorage", "UntypedStorage"]),
    ("torch.utils.data.dataset", &["ConcatDataset", "StackDataset", "Subset", "TensorDataset"]),
];

/// Packages whose classes do nothing but be made: estimators of scikit-learn, layers of PyTorch.
const CLASSES_OF: &[&str] = &[
    "sklearn._loss",
    "sklearn.calibration",
    "sklearn.cluster",
    "sklearn.compose",
    "sklearn.covariance",
    "sklearn.cross_decomposition",
    "sklearn.decomposition",
    "sklearn.discriminant_analysis",
    "sklearn.dummy",
    "sklearn.ensemble",
    "sklearn.feature_extraction",
    "sklearn.feature_selection",
    "sklearn.gaussian_process",
    "sklearn.impute",
    "sklearn.isotonic",
    "sklearn.kernel_approximation",
    "sklearn.kernel_ridge",
    "sklearn.linear_model",
    "sklearn.manifold",
    "sklearn.metrics._dist_metrics",
    "sklearn.mixture",
    "sklearn.model_selection",
    "sklearn.multiclass",
    "sklearn.multioutput",
    "sklearn.naive_bayes",
    "sklearn.neighbors",
    "sklearn.neural_network",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "sklearn.random_projection",
    "sklearn.semi_supervised",
    "sklearn.svm",
    "sklearn.tree",
    "sklearn.utils._bunch",
    "torch.nn.modules",
];

/// Names of classes that such packages have from elsewhere.
const NOT_THEIRS: &[&str] = &[
    "ABC",
    "ABCMeta",
    "BytesIO",
    "Callable",
    "Enum",
    "Generic",
    "Mapping",
    "Memory",
    "MutableMapping",
    "Parallel",
    "Popen",
    "Process",
    "Protocol",
    "Sequence",
    "StringIO",
    "ThreadPoolExecutor",
];

/// What an object is thought of, by its module and its name.
pub(crate) fn trust(module: &str, name: &str) -> Trust {
    let module = renamed(module);
    let of =
        |table: &[(&str, &[&str])]| table.iter().any(|(of, names)| *of == module && names.contains(&name));
    // A name with dots leads through an object to another: `sys.modules` of what has imported it, `__builtins__` of anything.
    let makes = name.ends_with("_ctor")
        || name.starts_with("__pyx_unpickle_")
        || module == "copyreg" && name.starts_with("__newobj_");
    let leads_on = name.contains('.') || name.starts_with("__") && !makes;
    if !leads_on && (of(KNOWN) || is_class(module, name)) {
        return Trust::Known;
    }
    // The parts of a dotted name count as modules too.
    let through = name.contains('.') && name.split('.').any(is_module);
    if dangerous::is_one(module, name) || through || leads_on { Trust::Dangerous } else { Trust::Unknown }
}

/// The name that Python 3 has for a module of Python 2.
pub(super) fn renamed(module: &str) -> &str {
    match module {
        "__builtin__" | "__builtins__" => "builtins",
        "copy_reg" => "copyreg",
        "cPickle" | "cpickle" => "pickle",
        "Queue" => "queue",
        other => other,
    }
}

/// Whether a module is another or below it.
pub(super) fn is_below(module: &str, other: &str) -> bool {
    module.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether a name is that of a class, or of what Cython makes objects of one by, in a package that has only harmless ones.
fn is_class(module: &str, name: &str) -> bool {
    let name = name.strip_prefix("__pyx_unpickle_").unwrap_or(name);
    let is_name = name == "newObj"
        || name.trim_start_matches('_').starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !NOT_THEIRS.contains(&name);
    is_name && CLASSES_OF.iter().any(|of| is_below(module, of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_on_is_never_known() {
        for (module, name, expected) in [
            ("collections", "OrderedDict", Trust::Known),
            ("copy_reg", "_reconstructor", Trust::Known),
            ("sklearn.tree._classes", "DecisionTreeClassifier", Trust::Known),
            ("sklearn.tree._tree", "Tree", Trust::Known),
            ("sklearn._loss._loss", "__pyx_unpickle_CyHalfBinomialLoss", Trust::Known),
            ("sklearn.ensemble._forest", "Parallel", Trust::Unknown),
            ("sklearn.linear_model._base", "check_array", Trust::Unknown),
            ("sklearn.linear_model._base", "Ridge.fit", Trust::Dangerous),
            ("sklearn_linear_model", "Ridge", Trust::Unknown),
            ("numpy", "prod", Trust::Unknown),
            ("numpy", "prod.os.system", Trust::Dangerous),
            ("numpy", "__builtins__", Trust::Dangerous),
            ("numpy", "core._internal.sys.modules", Trust::Dangerous),
            ("os", "system", Trust::Dangerous),
            ("os.path", "join", Trust::Dangerous),
            ("osmosis", "Model", Trust::Unknown),
            ("__builtin__", "eval", Trust::Dangerous),
            ("builtins", "dict.get", Trust::Dangerous),
            ("torch", "FloatStorage", Trust::Known),
            ("torch.storage", "_load_from_bytes", Trust::Dangerous),
            ("company.models", "Net", Trust::Unknown),
            // What ordinary models name.
            ("torch.jit._pickle", "build_intlist", Trust::Known),
            ("torch.jit", "load", Trust::Dangerous),
            ("torch.utils.data.dataset", "TensorDataset", Trust::Known),
            ("torch.utils.collect_env", "run", Trust::Dangerous),
            ("torch.distributed.tensor", "DTensor", Trust::Unknown),
            ("torch.distributed.rpc.internal", "_run_function", Trust::Dangerous),
            ("logging", "getLogger", Trust::Unknown),
            ("logging.config", "fileConfig", Trust::Dangerous),
            ("builtins", "type", Trust::Unknown),
            ("copy_reg", "__newobj__", Trust::Known),
            ("copyreg", "__builtins__", Trust::Dangerous),
            ("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence", Trust::Known),
            ("sklearn.feature_selection._univariate_selection", "f_classif", Trust::Known),
            ("pandas.core.frame", "DataFrame", Trust::Known),
            ("torch", "float8_e4m3fn", Trust::Known),
            // What runs code, or opens files.
            ("uuid", "UUID", Trust::Known),
            ("uuid", "_get_command_stdout", Trust::Dangerous),
            ("_thread", "start_new_thread", Trust::Dangerous),
            ("gzip", "open", Trust::Dangerous),
            ("pandas", "read_pickle", Trust::Dangerous),
            ("pandas", "eval", Trust::Dangerous),
            ("torch.fx.graph_module", "reduce_graph_module", Trust::Dangerous),
            ("numpy.lib._npyio_impl", "load", Trust::Dangerous),
            ("SocketServer", "TCPServer", Trust::Dangerous),
            // Classes that such packages have from elsewhere.
            ("sklearn.tree._classes", "ABCMeta", Trust::Unknown),
            ("sklearn.preprocessing._data", "StringIO", Trust::Unknown),
        ] {
            assert_eq!(trust(module, name), expected, "{module} {name}");
        }
    }
}
