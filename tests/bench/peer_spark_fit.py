# SPDX-License-Identifier: GPL-3.0-or-later
"""The prototype's training, Spark ML: reads a folder of CSV on HDFS, fits a line through the sell price on four
fifths, and takes the RMSE of the rest.
  peer_spark_fit.py FOLDER JARS CSV     then asked by lines, each `cast` or `typed`
`cast` reads text and casts it, as the prototype's script does; `typed` gives the reader a schema. Answers
{spent_s, rmse, peak_mb}. Ends with its standard input."""
import sys
import time

import peer_spark

FOLDER, _, CSV = sys.argv[1:]
NAMES = ["timestamp", "buy_price", "sell_price", "volume", "volatility", "change_1h", "change_24h", "spread"]
FEATURES, TARGET = ["buy_price", "volume", "volatility"], "sell_price"


def cast(spark):
    from pyspark.sql.functions import col
    frame = spark.read.csv(CSV).toDF(*NAMES)
    for name in NAMES[1:]:
        frame = frame.withColumn(name, col(name).cast("double"))
    return frame


def typed(spark):
    return spark.read.schema(", ".join([f"{NAMES[0]} STRING", *(f"{name} DOUBLE" for name in NAMES[1:])])
                             ).csv(CSV)


READERS = {"cast": cast, "typed": typed}


def fit(frame):
    """The RMSE on the fifth that was held out."""
    from pyspark.ml.evaluation import RegressionEvaluator
    from pyspark.ml.feature import VectorAssembler
    from pyspark.ml.regression import LinearRegression
    rows = VectorAssembler(inputCols=FEATURES, outputCol="features").transform(frame) \
        .select("features", TARGET)
    train, test = rows.randomSplit([0.8, 0.2], seed=42)
    model = LinearRegression(featuresCol="features", labelCol=TARGET).fit(train)
    evaluator = RegressionEvaluator(labelCol=TARGET, predictionCol="prediction", metricName="rmse")
    return evaluator.evaluate(model.transform(test))


def main():
    spark = peer_spark.session(FOLDER)

    def run(reader):
        begun = time.monotonic()
        rmse = fit(READERS[reader](spark))
        spent_s = time.monotonic() - begun
        spark.catalog.clearCache()  # randomSplit fills it, and the next run would find it
        return {"spent_s": spent_s, "rmse": rmse}
    peer_spark.answer(spark, run)


if __name__ == "__main__":
    main()
