/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One list of error codes for all of Tickline. A fallible function returns `enum error`; where a
 * person needs more than the code, it also takes `struct text *why` (may be NULL) and appends one
 * sentence that names the thing, its value and the rule.
 */
#ifndef TICKLINE_ERROR_H
#define TICKLINE_ERROR_H

#define ERROR_LIST(X)                                                                  \
	X(OK, "ok", "no error")                                                        \
	X(NO_MEMORY, "no-memory", "memory could not be allocated")                     \
	X(LIMIT, "limit", "a configured limit was reached")                            \
	X(INVALID, "invalid", "the input breaks a rule")                               \
	X(NOT_FOUND, "not-found", "the thing named does not exist")                    \
	X(EXISTS, "exists", "the thing named exists already")                          \
	X(CONFLICT, "conflict", "the state does not allow it")                         \
	X(TIMEOUT, "timeout", "a time limit passed")                                   \
	X(CANCELLED, "cancelled", "stopped on request")                                \
	X(CLOSED, "closed", "the other side closed the connection")                    \
	X(ENCODING, "encoding", "the content encoding is broken or not supported")     \
	X(SYSTEM, "system", "a system call failed")                                    \
	X(UNREACHABLE, "unreachable", "no connection could be made")                   \
	X(PROTOCOL, "protocol", "the answer is not what the protocol says")            \
	X(DENIED, "denied", "access was denied")                                       \
	X(CREDENTIAL, "credential", "the credential is missing, expired or cancelled") \
	X(UNAVAILABLE, "unavailable", "the service is not available now")              \
	X(STANDBY, "standby", "the NameNode is a standby")                             \
	X(RETRIABLE, "retriable", "the server asks to try again")                      \
	X(SAFE_MODE, "safe-mode", "the NameNode is in safe mode")                      \
	X(QUOTA, "quota", "a quota is used up")                                        \
	X(LENGTH, "length", "the length is not the one expected")                      \
	X(CHECKSUM, "checksum", "the checksum does not match")                         \
	X(FENCED, "fenced", "another owner took over")                                 \
	X(KAFKA, "kafka", "Kafka reported an error")                                   \
	X(UNKNOWN_OUTCOME, "unknown-outcome", "it is not known whether it was done")

enum error {
#define ERROR_ENUM(code, name, text) ERROR_##code,
	ERROR_LIST(ERROR_ENUM)
#undef ERROR_ENUM
		ERROR_COUNT
};

/* A result that must be looked at. */
#define MUST_USE               __attribute__((warn_unused_result))
#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))

/* Stable short name ("safe-mode"), also used as a metric label. Any thread; never NULL. */
const char *error_name(enum error code);

/* One English clause without a full stop. Any thread; never NULL. */
const char *error_text(enum error code);

#endif
