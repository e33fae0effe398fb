"""Examples of exports are run where the packages are that they show."""

from importlib.util import find_spec

ONNX, TORCH = ("onnx", "onnxruntime", "skl2onnx"), ("torch",)

NEEDS = {
    "sk_rnn/export/_fitted.py": TORCH,
    "sk_rnn/export/_onnx.py": ONNX,
    "sk_rnn/export/_onnx_state.py": ONNX,
    "sk_rnn/export/_skl2onnx.py": ONNX,
    "sk_rnn/export/_torch.py": TORCH,
    "sk_rnn/export/_torch_modules.py": TORCH,
    "doc/user_guide/export.rst": ONNX + TORCH,
}

#: Run where they are named, as `make test-hosts` does: they need many libraries.
HOSTS = ["tests/hosts", "doc/user_guide/other_libraries.rst"]

collect_ignore = HOSTS + [
    path for path, packages in NEEDS.items() if not all(map(find_spec, packages))
]
