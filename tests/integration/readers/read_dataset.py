# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder on HDFS as a data set of pyarrow, over fsspec's WebHDFS, into a frame of pandas.
  read_dataset.py HOST:PORT FOLDER csv|json [DATE]     prints {"fragments": [path], "rows": [[value]]}
With DATE only the rows whose folder is dt=DATE, and the files that were looked at for them."""
import json
import sys

import fsspec
import pyarrow
import pyarrow.csv
import pyarrow.dataset

NAMES = ["buy_price", "sell_price", "volume", "volatility", "buy_price_normalized",
         "sell_price_normalized", "volume_normalized"]
SCHEMA = pyarrow.schema([("timestamp", pyarrow.string()),
                         *((name, pyarrow.float64()) for name in NAMES), ("dt", pyarrow.string())])
# Our CSV has no header.
COLUMNS = pyarrow.csv.ReadOptions(column_names=SCHEMA.names[:-1])
FORMATS = {"csv": pyarrow.dataset.CsvFileFormat(read_options=COLUMNS),
           "json": pyarrow.dataset.JsonFileFormat()}


def main():
    address, folder, name, *date = sys.argv[1:]
    host, port = address.split(":")
    hdfs = fsspec.filesystem("webhdfs", host=host, port=int(port), user="bitcoin")
    data = pyarrow.dataset.dataset(folder, filesystem=hdfs, format=FORMATS[name], schema=SCHEMA,
                                   partitioning=pyarrow.dataset.partitioning(
                                       pyarrow.schema([("dt", pyarrow.string())]), flavor="hive"))
    wanted = pyarrow.dataset.field("dt") == date[0] if date else None
    frame = data.to_table(filter=wanted).to_pandas().astype(object)
    frame = frame.where(frame.notna(), None)  # JSON knows no NaN
    print(json.dumps({"fragments": [one.path for one in data.get_fragments(filter=wanted)],
                      "rows": frame.to_numpy().tolist()}))


if __name__ == "__main__":
    main()
