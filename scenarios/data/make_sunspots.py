"""Builds the problem of ../sunspots_have_an_eleven_year_period.ron from sunspots.csv (needs numpy only).

    python3 make_sunspots.py

The yearly sunspot numbers of 1700-2008 are looked at in M irregularly chosen years only. They are centred and scaled to
unit norm (y). A has, for each of F candidate frequencies 1/600, 2/600, ..., F/600 per year, a cosine and a sine over the
chosen years, each scaled to unit norm: column 2k is the cosine and column 2k + 1 the sine of period 600/(k + 1) years.

Writes sunspots_matrix.npy (M x 2F, single precision), sunspots_measurements.csv (M numbers) and sunspots_columns.csv (the
period and the kind of each column).
"""

import pathlib

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
M = 120  # years that are looked at
F = 200  # candidate frequencies: periods from 600 down to 3 years
LENGTH = 600.0  # the longest period, about twice the length of the record
SEED = 11


def main():
    years, numbers = np.loadtxt(HERE / "sunspots.csv", delimiter=",", skiprows=1).T
    chosen = np.sort(np.random.RandomState(SEED).permutation(len(years))[:M])  # RandomState is frozen across versions
    y = numbers[chosen] - numbers[chosen].mean()
    y /= np.linalg.norm(y)
    frequencies = np.arange(1, F + 1) / LENGTH
    phase = 2 * np.pi * np.outer(years[chosen] - years[0], frequencies)
    matrix = np.stack([np.cos(phase), np.sin(phase)], axis=2).reshape(M, 2 * F)
    matrix /= np.linalg.norm(matrix, axis=0)
    np.save(HERE / "sunspots_matrix.npy", matrix.astype("<f4"))
    (HERE / "sunspots_measurements.csv").write_text("".join(f"{value:.17g}\n" for value in y))
    rows = [f"{k},{LENGTH / (k // 2 + 1):.6f},{'sine' if k % 2 else 'cosine'}\n" for k in range(2 * F)]
    (HERE / "sunspots_columns.csv").write_text("column,period_years,kind\n" + "".join(rows))


if __name__ == "__main__":
    main()
