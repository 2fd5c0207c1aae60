#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ordinary least squares on the bars beside this folder, by statsmodels: what test_fit_statsmodels.c
holds ours against. Needs `pip install statsmodels pandas`, which no test needs; writes certified.json.

The rows follow from the definitions in services/model/spec.h, written anew here. Columns are centred and
brought to unit variance before the fit, and the results back to their own units: statsmodels itself
keeps five digits only where returns of 1e-4 stand beside volumes of 1e7. So there is no intercept."""
import json
import pathlib

import numpy
import pandas
import statsmodels
import statsmodels.api

HERE = pathlib.Path(__file__).parent
SERIES = ["btcusd_2023-03_1m.csv", "btc_usd_1m.csv"]


def bars(name):
    table = pandas.read_csv(HERE.parent / name)
    table = table.rename(columns={"open_time": "timestamp"})
    table["timestamp"] = pandas.to_datetime(table["timestamp"], utc=True)
    return table.set_index("timestamp")


def before(column, seconds, tolerance=30):
    """The last value at or before t - seconds, at most `tolerance` older."""
    found = column.reindex(column.index - pandas.Timedelta(seconds=seconds), method="ffill",
                           tolerance=pandas.Timedelta(seconds=tolerance))
    return found.to_numpy()


def after(column, seconds, tolerance=30):
    found = column.reindex(column.index + pandas.Timedelta(seconds=seconds), method="bfill",
                           tolerance=pandas.Timedelta(seconds=tolerance))
    return found.to_numpy()


def streamlit(table):
    columns = table[["open", "high", "low", "volume"]].copy()
    columns["return"] = table["close"] / table["close"].shift(1) - 1
    return columns, table["close"].to_numpy()


def forecast(table, horizon):
    close = table["close"]
    columns = pandas.DataFrame(index=table.index)
    for minutes in (1, 2, 5, 10, 15):
        columns[f"return_{minutes}m"] = close.to_numpy() / before(close, 60 * minutes) - 1
    columns["range"] = table["high"] - table["low"]
    columns["volume"] = table["volume"]
    return columns, after(close, horizon) - close.to_numpy()


def certified(columns, target):
    whole = numpy.isfinite(columns.to_numpy()).all(axis=1) & numpy.isfinite(target)
    columns, target = columns[whole], target[whole]
    columns = columns.loc[:, columns.nunique() > 1]
    scale = columns.std()
    unit = (columns - columns.mean()) / scale
    fit = statsmodels.api.OLS(target, statsmodels.api.add_constant(unit)).fit()
    interval = fit.conf_int()
    terms = {name: {"value": fit.params[name] / scale[name], "error": fit.bse[name] / scale[name],
                    "t": fit.tvalues[name], "p": fit.pvalues[name],
                    "low": interval.loc[name, 0] / scale[name],
                    "high": interval.loc[name, 1] / scale[name]} for name in columns.columns}
    return {"rows": len(target), "degrees_of_freedom": int(fit.df_resid),
            "residual_standard_error": fit.scale ** 0.5, "r2": fit.rsquared,
            "adjusted_r2": fit.rsquared_adj, "aic": fit.aic, "terms": terms}


def main():
    out = {"statsmodels": statsmodels.__version__, "fits": []}
    for series in SERIES:
        table = bars(series)
        fits = {f"forecast_{m}m": certified(*forecast(table, 60 * m)) for m in (1, 5, 15)}
        if series == SERIES[0]:  # in the other one open, high, low and close are the same
            fits["streamlit"] = certified(*streamlit(table))
        out["fits"] += [{"series": series, "model": model, **fit} for model, fit in fits.items()]
    (HERE / "certified.json").write_text(json.dumps(out, indent=1) + "\n")


main()
