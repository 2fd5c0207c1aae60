# SPDX-License-Identifier: GPL-3.0-or-later
"""The prototype's consumer, in substance: the topic as a stream, its JSON by a schema, CSV on HDFS, until it
is stopped."""
import os

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, from_json
from pyspark.sql.types import DoubleType, IntegerType, StringType, StructField, StructType

KAFKA = os.environ.get("KAFKA", "localhost:9092")
OUTPUT = os.environ.get("OUTPUT", "hdfs://localhost:9000/bitcoin/data/bitcoin_data")

spark = SparkSession.builder.appName("BitcoinConsumer").getOrCreate()
schema = StructType([
    StructField("timestamp", StringType()),
    StructField("buy_price", DoubleType()),
    StructField("sell_price", DoubleType()),
    StructField("volume", IntegerType()),
    StructField("volatility", DoubleType()),
    StructField("buy_price_normalized", DoubleType()),
    StructField("sell_price_normalized", DoubleType()),
    StructField("volume_normalized", DoubleType()),
])
messages = (spark.readStream.format("kafka")
            .option("kafka.bootstrap.servers", KAFKA)
            .option("subscribe", "bitcointopic")
            .option("startingOffsets", "earliest")
            .load())
ticks = (messages.selectExpr("CAST(value AS STRING) as json_data")
         .select(from_json(col("json_data"), schema).alias("data"))
         .select("data.*"))
query = (ticks.writeStream.outputMode("append").format("csv")
         .option("path", OUTPUT)
         .option("checkpointLocation", f"{OUTPUT}_checkpoint")
         .start())
query.awaitTermination()
