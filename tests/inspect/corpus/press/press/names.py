DELIVER = "press.deliver"
FLOW = "issue"
