from .._flows import dispensing


@dispensing.step(after="print_label", name="layout_label")
def slow_label(prescription):
    return f"{prescription.drug.name}, {prescription.dose} mg"
