/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "yarn_settings.h"

#include <stddef.h>

#define HADOOP "/opt/hadoop/share/hadoop/"

#define OPTION(member, kind, value, low, high, of, text)                                         \
	{                                                                                        \
		.name = #member, .type = kind, .offset = offsetof(struct yarn_settings, member), \
		.initial = value, .min = low, .max = high, .unit = of, .help = text              \
	}

struct config_table yarn_settings_table(struct yarn_settings *settings)
{
	static const struct config_option options[] = {
		OPTION(yarn_urls, CONFIG_STRING, "http://127.0.0.1:8088", 0, 0, NULL,
		       "ResourceManagers, separated by commas, for trainings with engine yarn"),
		OPTION(yarn_queue, CONFIG_STRING, "default", 0, 0, NULL, "queue of those jobs"),
		OPTION(yarn_java, CONFIG_STRING,
		       "java --add-opens=java.base/java.lang=ALL-UNNAMED -Xmx256m", 0, 0, NULL,
		       "how a node starts Java"),
		OPTION(yarn_classpath, CONFIG_STRING,
		       "/etc/hadoop:" HADOOP "common/*:" HADOOP "common/lib/*:" HADOOP
		       "hdfs/*:" HADOOP "hdfs/lib/*:" HADOOP "mapreduce/*:" HADOOP "yarn/*:" HADOOP
		       "yarn/lib/*:" HADOOP "tools/lib/*",
		       0, 0, NULL, "Hadoop's configuration and jars on the nodes"),
		OPTION(yarn_step_dir, CONFIG_STRING, "", 0, 0, NULL,
		       "folder of the program for the nodes; empty: step, beside this program"),
		OPTION(yarn_launcher_memory_mb, CONFIG_INT, "512", 128, 65536, "MiB",
		       "memory of the container that submits the job"),
		OPTION(yarn_maps, CONFIG_INT, "0", 0, 100000, NULL,
		       "mappers that are asked for; 0: one per block of HDFS"),
		OPTION(yarn_poll_ms, CONFIG_INT, "1000", 10, 60000, "ms",
		       "how often the ResourceManager is asked for the job's state"),
		OPTION(yarn_start_timeout_s, CONFIG_INT, "120", 1, 86400, "s",
		       "how long a job may wait for its first container"),
		OPTION(yarn_timeout_s, CONFIG_INT, "3600", 1, 604800, "s",
		       "how long a job may take in all"),
		OPTION(yarn_request_timeout_ms, CONFIG_INT, "10000", 100, 600000, "ms",
		       "one request to the ResourceManager"),
	};
	return (struct config_table){ "YARN", options, sizeof(options) / sizeof(options[0]),
				      settings };
}
