# SPDX-License-Identifier: GPL-3.0-or-later
"""The prototype's training, in substance: the folder as CSV, columns by their places, a line through the sell
price, its RMSE on a fifth held out. TRAIN=1 holds nothing out, so that others can fit the same rows."""
import os

from pyspark.ml.evaluation import RegressionEvaluator
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.regression import LinearRegression
from pyspark.sql import SparkSession
from pyspark.sql.functions import col

INPUT = os.environ.get("INPUT", "hdfs://localhost:9000/bitcoin/data/bitcoin_data")
TRAIN = float(os.environ.get("TRAIN", "0.8"))
NAMES = ["timestamp", "buy_price", "sell_price", "volume", "volatility", "change_1h", "change_24h", "spread"]

spark = SparkSession.builder.appName("BitcoinPrediction").getOrCreate()
frame = spark.read.csv(INPUT)
for i, name in enumerate(NAMES):
    frame = frame.withColumnRenamed(f"_c{i}", name)
for name in NAMES[1:]:
    frame = frame.withColumn(name, col(name).cast("double"))
frame = frame.na.drop()
rows = VectorAssembler(inputCols=["buy_price", "volume", "volatility"], outputCol="features") \
    .transform(frame).select("features", "sell_price")
train, test = (rows, rows) if TRAIN == 1 else rows.randomSplit([TRAIN, 1 - TRAIN], seed=42)
model = LinearRegression(featuresCol="features", labelCol="sell_price").fit(train)
evaluator = RegressionEvaluator(labelCol="sell_price", predictionCol="prediction", metricName="rmse")
print("Rows:", rows.count())
print("Coefficients:", list(map(float, model.coefficients)))
print("Intercept:", model.intercept)
print("RMSE:", evaluator.evaluate(model.transform(test)))
spark.stop()
