from headrace import flow

booking = flow("booking")
results = flow("results")
