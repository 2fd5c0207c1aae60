/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kafka.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* --- configuration --------------------------------------------------------------------------- */

struct conf_build {
	rd_kafka_conf_t *conf;
	enum error error; /* of the settings so far */
	struct text *why;
};

/* librdkafka names the property and, for numbers and choices, the value; the values of its secrets
 * are free strings, which it takes as they are and therefore never repeats. */
static void set_property(struct conf_build *build, const char *prefix, const char *name,
			 const char *value)
{
	char reason[512];
	if (rd_kafka_conf_set(build->conf, name, value, reason, sizeof(reason)) == RD_KAFKA_CONF_OK)
		return;
	if (build->error != ERROR_OK)
		why_putf(build->why, "; ");
	why_putf(build->why, "setting %s%s: %s", prefix, name, reason);
	build->error = ERROR_INVALID;
}

static void set_passed_through(const char *name, const char *value, void *user)
{
	set_property(user, "kafka.", name, value);
}

static enum log_level level_of_syslog(int level)
{
	static const enum log_level levels[] = { LOG_ERROR, LOG_ERROR, LOG_ERROR, LOG_ERROR,
						 LOG_WARN,  LOG_INFO,  LOG_INFO,  LOG_DEBUG };
	return level >= 0 && level < (int)(sizeof(levels) / sizeof(levels[0])) ? levels[level]
									       : LOG_DEBUG;
}

static void log_from_kafka(const rd_kafka_t *handle, int level, const char *facility,
			   const char *message)
{
	LOG_AT(level_of_syslog(level), "kafka",
	       LOG_STR("client", handle ? rd_kafka_name(handle) : ""),
	       LOG_STR("facility", facility), LOG_STR("message", message), LOG_END);
}

enum error kafka_conf_new(const struct config *config, const char *brokers, const char *client_id,
			  const struct kafka_property *properties, rd_kafka_conf_t **conf,
			  struct text *why)
{
	struct conf_build build = { .conf = rd_kafka_conf_new(), .why = why };
	rd_kafka_conf_set_log_cb(build.conf, log_from_kafka);
	set_property(&build, "", "bootstrap.servers", brokers);
	set_property(&build, "", "client.id", client_id);
	for (const struct kafka_property *p = properties; p && p->name; p++)
		set_property(&build, "", p->name, p->value);
	if (config)
		config_each_kafka(config, set_passed_through, &build);
	if (build.error != ERROR_OK) {
		rd_kafka_conf_destroy(build.conf);
		build.conf = NULL;
	}
	*conf = build.conf;
	return build.error;
}

static enum error handle_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **handle,
			     struct text *why)
{
	char reason[512];
	*handle = rd_kafka_new(type, conf, reason, sizeof(reason));
	if (*handle)
		return ERROR_OK;
	why_putf(why, "no Kafka client: %s", reason);
	rd_kafka_conf_destroy(conf);
	return ERROR_INVALID;
}

enum error kafka_producer_new(rd_kafka_conf_t *conf, rd_kafka_t **producer, struct text *why)
{
	return handle_new(RD_KAFKA_PRODUCER, conf, producer, why);
}

enum error kafka_consumer_new(rd_kafka_conf_t *conf, rd_kafka_t **consumer, struct text *why)
{
	enum error error = handle_new(RD_KAFKA_CONSUMER, conf, consumer, why);
	if (error == ERROR_OK) /* everything arrives by rd_kafka_consumer_poll */
		rd_kafka_poll_set_consumer(*consumer);
	return error;
}

/* --- topics ---------------------------------------------------------------------------------- */

static enum error error_of_kafka(rd_kafka_resp_err_t code)
{
	static const struct {
		rd_kafka_resp_err_t code;
		enum error error;
	} map[] = {
		{ RD_KAFKA_RESP_ERR_NO_ERROR, ERROR_OK },
		{ RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, ERROR_OK },
		{ RD_KAFKA_RESP_ERR__TIMED_OUT, ERROR_TIMEOUT },
		{ RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, ERROR_TIMEOUT },
		{ RD_KAFKA_RESP_ERR__TRANSPORT, ERROR_UNREACHABLE },
		{ RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, ERROR_UNREACHABLE },
		{ RD_KAFKA_RESP_ERR__RESOLVE, ERROR_UNREACHABLE },
		{ RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, ERROR_NOT_FOUND },
		{ RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, ERROR_NOT_FOUND },
	};
	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		if (map[i].code == code)
			return map[i].error;
	}
	return ERROR_KAFKA;
}

/* All topics, because asking for one by name would make it on a broker that makes topics by itself,
 * with other properties than ours. */
static enum error list_topics(rd_kafka_t *handle, int timeout_ms,
			      const struct rd_kafka_metadata **metadata, struct text *why)
{
	rd_kafka_resp_err_t code = rd_kafka_metadata(handle, 1, NULL, metadata, timeout_ms);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		why_putf(why, "Kafka's topics cannot be listed: %s", rd_kafka_err2str(code));
	return error_of_kafka(code);
}

static const rd_kafka_metadata_topic_t *find_topic(const struct rd_kafka_metadata *metadata,
						   const char *name)
{
	for (int i = 0; i < metadata->topic_cnt; i++) {
		const rd_kafka_metadata_topic_t *topic = &metadata->topics[i];
		if (strcmp(topic->topic, name) == 0 &&
		    error_of_kafka(topic->err) != ERROR_NOT_FOUND)
			return topic;
	}
	return NULL;
}

static enum error new_topic(const struct kafka_topic *topic, rd_kafka_NewTopic_t **out,
			    struct text *why)
{
	char reason[256], bytes[24];
	*out = rd_kafka_NewTopic_new(topic->name, topic->partitions, topic->replication, reason,
				     sizeof(reason));
	if (!*out) {
		why_putf(why, "topic %s: %s", topic->name, reason);
		return ERROR_INVALID;
	}
	snprintf(bytes, sizeof(bytes), "%" PRId64, topic->retention_bytes);
	/* Fails only for a NULL name. */
	(void)rd_kafka_NewTopic_set_config(*out, "retention.bytes", bytes);
	return ERROR_OK;
}

static enum error check_created(rd_kafka_event_t *event, struct text *why)
{
	rd_kafka_resp_err_t whole = rd_kafka_event_error(event);
	if (whole != RD_KAFKA_RESP_ERR_NO_ERROR) {
		why_putf(why, "topics cannot be made: %s", rd_kafka_event_error_string(event));
		return error_of_kafka(whole);
	}
	size_t count = 0;
	const rd_kafka_topic_result_t **results = rd_kafka_CreateTopics_result_topics(
		rd_kafka_event_CreateTopics_result(event), &count);
	enum error error = ERROR_OK;
	for (size_t i = 0; i < count; i++) {
		enum error one = error_of_kafka(rd_kafka_topic_result_error(results[i]));
		if (one == ERROR_OK)
			continue;
		const char *reason = rd_kafka_topic_result_error_string(results[i]);
		why_putf(why, "%stopic %s cannot be made: %s", error == ERROR_OK ? "" : "; ",
			 rd_kafka_topic_result_name(results[i]),
			 reason ? reason
				: rd_kafka_err2str(rd_kafka_topic_result_error(results[i])));
		error = one;
	}
	return error;
}

static enum error create_topics(rd_kafka_t *handle, rd_kafka_NewTopic_t **topics, size_t count,
				int timeout_ms, struct text *why)
{
	enum error error = ERROR_TIMEOUT;
	char reason[128];
	rd_kafka_queue_t *queue = rd_kafka_queue_new(handle);
	rd_kafka_AdminOptions_t *options =
		rd_kafka_AdminOptions_new(handle, RD_KAFKA_ADMIN_OP_CREATETOPICS);
	/* Both wait for the answer, so that the topic can be used when this returns. */
	(void)rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, reason,
							sizeof(reason));
	(void)rd_kafka_AdminOptions_set_operation_timeout(options, timeout_ms, reason,
							  sizeof(reason));
	rd_kafka_CreateTopics(handle, topics, count, options, queue);
	/* The client ends the request itself; the second more is for its own clock. */
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms + 1000);
	if (event) {
		error = check_created(event, why);
		rd_kafka_event_destroy(event);
	} else {
		why_putf(why, "topics cannot be made: no answer within %d ms", timeout_ms);
	}
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_queue_destroy(queue);
	return error;
}

enum error kafka_topics_ensure(rd_kafka_t *handle, const struct kafka_topic *topics, size_t count,
			       int timeout_ms, struct text *why)
{
	const struct rd_kafka_metadata *metadata = NULL;
	enum error error = list_topics(handle, timeout_ms, &metadata, why);
	if (error != ERROR_OK)
		return error;
	size_t missing = 0;
	rd_kafka_NewTopic_t **made = calloc(count ? count : 1, sizeof(*made));
	if (!made)
		error = ERROR_NO_MEMORY;
	for (size_t i = 0; i < count && error == ERROR_OK; i++) {
		if (find_topic(metadata, topics[i].name))
			continue;
		error = new_topic(&topics[i], &made[missing], why);
		if (error == ERROR_OK)
			missing++;
	}
	if (error == ERROR_OK && missing > 0)
		error = create_topics(handle, made, missing, timeout_ms, why);
	if (error == ERROR_OK && missing > 0)
		log_info("topics made", LOG_I64("made", missing), LOG_I64("of", count));
	if (made)
		rd_kafka_NewTopic_destroy_array(made, missing);
	free(made);
	rd_kafka_metadata_destroy(metadata);
	return error;
}

enum error kafka_partition_count(rd_kafka_t *handle, const char *topic, int timeout_ms, int *count,
				 struct text *why)
{
	const struct rd_kafka_metadata *metadata = NULL;
	enum error error = list_topics(handle, timeout_ms, &metadata, why);
	if (error != ERROR_OK)
		return error;
	const rd_kafka_metadata_topic_t *found = find_topic(metadata, topic);
	if (!found) {
		why_putf(why, "Kafka has no topic %s", topic);
		error = ERROR_NOT_FOUND;
	} else if (found->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
		why_putf(why, "topic %s: %s", topic, rd_kafka_err2str(found->err));
		error = error_of_kafka(found->err);
	} else {
		*count = found->partition_cnt;
	}
	rd_kafka_metadata_destroy(metadata);
	return error;
}
