import headrace as _headrace

dispensing = _headrace.flow("dispensing")
ordering = _headrace.flow("stock")
