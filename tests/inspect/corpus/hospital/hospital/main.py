from .beds import CityBeds
from .desk import Desk

desk = Desk(CityBeds())


def main(patients):
    for patient in patients:
        desk.admit(patient)
