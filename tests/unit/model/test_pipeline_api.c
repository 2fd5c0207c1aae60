/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "../common/scripted_peer.h"
#include "http_client.h"
#include "model_testing.h"

static const struct http_route routes[] = {
	{ "GET", "/v1/pipeline/{service}", pipeline_get, HTTP_SCOPE_NONE, 0 },
	{ "POST", "/v1/pipeline/gateway/sources", pipeline_source_start, HTTP_SCOPE_NONE, 1000 },
	{ "DELETE", "/v1/pipeline/gateway/sources/{id}", pipeline_source_stop, HTTP_SCOPE_NONE, 0 },
};

#define TOKEN "Authorization: Bearer a-token-of-somebody\r\n"
#define READY "{\"ready\":false,\"conditions\":{}}"

static char off[] = "", closed[] = "http://127.0.0.1:1";

/* Every address is off. */
static int set_up(void **state)
{
	if (http_client_global_init() != ERROR_OK)
		return -1;
	struct model_testing *t = model_testing_new(routes, sizeof routes / sizeof *routes);
	t->app.pipeline = (struct pipeline_settings){ .gateway_url = off,
						      .gateway_management_url = off,
						      .ingest_url = off,
						      .ingest_management_url = off,
						      .pipeline_timeout_ms = 10000 };
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	model_testing_destroy(*state);
	return 0;
}

/* One peer plays both ports of the gateway. */
static void gateway_is(struct model_testing *t, struct peer *peer, const struct peer_step *steps,
		       size_t count)
{
	static char url[64];
	peer_start(peer, steps, count);
	snprintf(url, sizeof url, "http://127.0.0.1:%d", peer->port);
	t->app.pipeline.gateway_url = t->app.pipeline.gateway_management_url = url;
}

static void gateway_ends(struct peer *peer)
{
	peer_stop(peer);
	peer_clean_up(peer);
}

#define GATEWAY(t, peer, ...)                             \
	const struct peer_step steps[] = { __VA_ARGS__ }; \
	struct peer peer;                                 \
	gateway_is(t, &peer, steps, sizeof steps / sizeof *steps)

static int look(struct model_testing *t, const char *service)
{
	char line[64];
	snprintf(line, sizeof line, "GET /v1/pipeline/%s", service);
	return http_ask(t->http, line, TOKEN, NULL);
}

static void what_the_gateway_says(void **state)
{
	struct model_testing *t = *state;
	GATEWAY(t, peer,
		{ .expect = "GET /readyz ", .status = "503 Service Unavailable", .body = READY },
		{ .expect = "GET /metrics ",
		  .status = "200 OK",
		  .body = "gateway_records_total{kind=\"tick\",outcome=\"accepted\"} 7\n" },
		{ .expect = "GET /v1/sources ", .status = "200 OK", .body = "{\"sources\":[]}" });
	assert_int_equal(look(t, "gateway"), 200);
	gateway_ends(&peer);
	assert_string_equal(http_answer_body(t->http),
			    "{\"service\":\"gateway\",\"ready\":" READY
			    ",\"counters\":{\"accepted\":7,\"rejected\":null,\"unavailable\":null,"
			    "\"unknown\":null,\"queued\":null},\"sources\":{\"sources\":[]},"
			    "\"state\":\"up\",\"reason\":null}");
	assert_true(metric_of(t, "model_pipeline_looks_total{service=\"gateway\",state=\"up\"}") ==
		    1);
}

static void the_token_goes_along(void **state)
{
	struct model_testing *t = *state;
	GATEWAY(t, peer,
		{ .expect = "\r\nAuthorization: Bearer a-token-of-somebody\r\n",
		  .status = "401 Unauthorized",
		  .body = "{\"detail\":\"the bearer token is not known\"}" });
	t->app.pipeline.gateway_management_url = off;
	assert_int_equal(look(t, "gateway"), 200);
	gateway_ends(&peer);
	assert_true(http_answer_has(t->http, "\"state\":\"failed\""));
	assert_true(http_answer_has(t->http,
				    "/v1/sources answers 401: the bearer token is not known\""));
	assert_false(http_answer_has(t->http, "a-token-of-somebody"));
}

static void one_that_is_away_is_asked_once(void **state)
{
	struct model_testing *t = *state;
	t->app.pipeline.gateway_url = t->app.pipeline.gateway_management_url = closed;
	assert_int_equal(look(t, "gateway"), 200);
	assert_true(http_answer_has(t->http, "\"ready\":null,\"counters\":null,\"sources\":null,"
					     "\"state\":\"away\",\"reason\":\""));
	GATEWAY(t, peer, { .expect = "GET /readyz ", .then = PEER_HANG });
	t->app.pipeline.pipeline_timeout_ms = 1000;
	assert_int_equal(look(t, "gateway"), 200);
	gateway_ends(&peer);
	assert_true(http_answer_has(t->http, "\"state\":\"away\""));
	assert_int_equal(peer.served, 1);
}

static void answers_that_are_none(void **state)
{
	struct model_testing *t = *state;
	GATEWAY(t, peer, { .status = "200 OK", .body = "<html>" },
		{ .status = "500 Internal Server Error", .body = "{\"detail\":7}" },
		{ .status = "200 OK", .body = "{\"a\":01}" });
	assert_int_equal(look(t, "gateway"), 200);
	gateway_ends(&peer);
	assert_true(http_answer_has(t->http, "\"state\":\"failed\""));
	assert_true(
		http_answer_has(t->http, "/readyz answers 200 with something else than it should"));
}

static void hdfs_is_asked_without_the_token(void **state)
{
	struct model_testing *t = *state;
	char urls[96];
	GATEWAY(t, peer,
		{ .expect = "GET /jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState ",
		  .status = "200 OK",
		  .body = "{\"beans\":[{\"FSState\":\"Operational\"}]}" });
	char *before = t->app.hdfs.hdfs_urls;
	snprintf(urls, sizeof urls, "http://127.0.0.1:1, http://127.0.0.1:%d/", peer.port);
	t->app.hdfs.hdfs_urls = urls;
	assert_int_equal(look(t, "hdfs"), 200);
	t->app.hdfs.hdfs_urls = before;
	peer_stop(&peer);
	assert_null(strstr(peer.requests[0], "Authorization"));
	peer_clean_up(&peer);
	assert_string_equal(http_answer_body(t->http),
			    "{\"service\":\"hdfs\",\"namenode\":{\"FSState\":\"Operational\"},"
			    "\"state\":\"up\",\"reason\":null}");
}

static void only_what_the_tables_name(void **state)
{
	struct model_testing *t = *state;
	assert_int_equal(look(t, "kafka"), 404);
	assert_true(http_answer_is_problem(t->http, "no-such-service"));
	assert_int_equal(look(t, "ingest"), 200);
	assert_true(http_answer_has(t->http, "\"state\":\"off\",\"reason\":null"));
	assert_int_equal(http_ask(t->http, "DELETE /v1/pipeline/gateway/sources/..", "", NULL),
			 404);
	assert_int_equal(http_ask(t->http, "DELETE /v1/pipeline/gateway/sources/a", "", NULL), 404);
	assert_true(http_answer_is_problem(t->http, "no-gateway"));
}

static void sources_are_started_and_stopped(void **state)
{
	struct model_testing *t = *state;
	GATEWAY(t, peer,
		{ .expect = "POST /v1/sources ",
		  .status = "201 Created",
		  .body = "{\"id\":\"a\"}" },
		{ .expect = "DELETE /v1/sources/a%2F%3Fb ",
		  .status = "404 Not Found",
		  .body = "{\"type\":\"urn:tickline:problem:no-such-source\"}" },
		{ .reply = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\n"
			   "Content-Length: 2\r\n\r\n{}" },
		{ .status = "200 OK", .body = "no JSON" });
	assert_int_equal(http_ask(t->http, "POST /v1/pipeline/gateway/sources", TOKEN JSON,
				  " {\"type\": \"simulator\"} "),
			 201);
	assert_string_equal(http_answer_body(t->http), "{\"id\":\"a\"}");
	assert_int_equal(
		http_ask(t->http, "DELETE /v1/pipeline/gateway/sources/a%2F%3Fb", TOKEN, NULL),
		404);
	assert_true(http_answer_is_problem(t->http, "no-such-source"));
	assert_int_equal(http_ask(t->http, "POST /v1/pipeline/gateway/sources", JSON, "{}"), 429);
	assert_true(http_answer_has(t->http, "Retry-After: 7\r\n"));
	assert_int_equal(http_ask(t->http, "DELETE /v1/pipeline/gateway/sources/a", "", NULL), 502);
	peer_stop(&peer);
	assert_non_null(strstr(peer.requests[0], "\r\n\r\n{\"type\":\"simulator\"}"));
	assert_non_null(strstr(peer.requests[0], TOKEN));
	peer_clean_up(&peer);
	assert_int_equal(http_ask(t->http, "POST /v1/pipeline/gateway/sources", JSON, "{"), 400);
}

static void no_answer_to_a_start(void **state)
{
	struct model_testing *t = *state;
	GATEWAY(t, peer, { .then = PEER_HANG });
	t->app.pipeline.pipeline_timeout_ms = 1000;
	assert_int_equal(http_ask(t->http, "POST /v1/pipeline/gateway/sources", JSON, "{}"), 504);
	assert_true(http_answer_is_problem(t->http, "outcome-unknown"));
	gateway_ends(&peer);
	t->app.pipeline.gateway_url = closed;
	assert_int_equal(http_ask(t->http, "POST /v1/pipeline/gateway/sources", JSON, "{}"), 503);
	assert_true(http_answer_is_problem(t->http, "gateway-away"));
}

static void not_too_many_at_a_time(void **state)
{
	struct model_testing *t = *state;
	atomic_store(&t->app.pipeline_calls, 16);
	assert_int_equal(look(t, "gateway"), 503);
	assert_true(http_answer_is_problem(t->http, "busy"));
	assert_true(http_answer_has(t->http, "Retry-After: 1\r\n"));
	assert_int_equal(atomic_load(&t->app.pipeline_calls), 16);
	atomic_store(&t->app.pipeline_calls, 15);
	assert_int_equal(look(t, "gateway"), 200);
	assert_int_equal(atomic_load(&t->app.pipeline_calls), 15);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_the_gateway_says),           TEST(the_token_goes_along),
		TEST(one_that_is_away_is_asked_once),  TEST(answers_that_are_none),
		TEST(hdfs_is_asked_without_the_token), TEST(only_what_the_tables_name),
		TEST(sources_are_started_and_stopped), TEST(no_answer_to_a_start),
		TEST(not_too_many_at_a_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
