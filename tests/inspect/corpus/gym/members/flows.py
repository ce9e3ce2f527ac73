from headrace import flow

joining = flow("joining")
freezing = flow("freezing")
