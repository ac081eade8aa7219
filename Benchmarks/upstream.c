// A provider that is fast and believes nothing: one thread, HTTP/1.1 over epoll.
//
// It answers only what is as it has to be: the operator's secret, a model that it knows and, below /v1, the prompt of the
// application in the body. Below /plain nobody adds a prompt: that is for the rival, and for calls past everything.
// Anything else is answered 500, which ends the benchmark. So a gateway can't be fast by leaving something out.
//
// The model says how it answers: `bench` at once, `slow` after 50 ms, `wait` after 3 s, `refuse` with a 400 about a
// parameter. With "stream":true it sends 50 events.
//
//     upstream        prints its port, serves until it is killed

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FILES = 65536, EVENTS = 50, BODY_LIMIT = 8 << 20 };

static const char *SECRET = "Bearer upstream-secret";
static const char *PROMPT = "Be brief.";
static const char *SHORT =
    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"bench\",\"choices\":[{\"index\":0,"
    "\"message\":{\"role\":\"assistant\",\"content\":\"I am well, thank you.\"},\"finish_reason\":\"stop\"}],\"usage\":{"
    "\"prompt_tokens\":6,\"completion_tokens\":6,\"total_tokens\":12}}";
static const char *REFUSAL =
    "{\"error\":{\"message\":\"temperature must be at most 2\",\"type\":\"invalid_request_error\",\"param\":"
    "\"temperature\",\"code\":null}}";
static const char *EVENT =
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"bench\",\"choices\":[{"
    "\"index\":0,\"delta\":{\"content\":\" word\"},\"finish_reason\":null}]}\n\n";

struct connection {
    char *bytes;
    size_t held, room;
    // When the answer is due, in ms of the monotonic clock; 0 for none.
    long due;
    int kind;
    struct connection *next;
    int file;
};

enum { ANSWER, REFUSE, STREAM, WRONG };

static struct connection *connections[FILES];
// Answers that wait, one list for each delay, so that the first of a list is always the next that is due.
static struct { long delay; struct connection *first, *last; } waiting[] = {{50, 0, 0}, {3000, 0, 0}};
static int poller;

static long now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void send_all(int file, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t sent = send(file, bytes, count, MSG_NOSIGNAL);
        if (sent > 0) {
            bytes += sent;
            count -= (size_t)sent;
        } else if (errno == EAGAIN) {
            struct pollfd wait = {.fd = file, .events = POLLOUT};
            if (poll(&wait, 1, 1000) <= 0) return;
        } else {
            return;
        }
    }
}

static void send_whole(int file, const char *status, const char *body) {
    char answer[4096];
    int length = snprintf(
        answer, sizeof answer, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", status,
        strlen(body), body);
    send_all(file, answer, (size_t)length);
}

// Five events in each of ten writes, each event a chunk of its own.
static void send_stream(int file) {
    char part[8192];
    size_t length = (size_t)sprintf(
        part, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int event = 1; event <= EVENTS; event++) {
        length += (size_t)sprintf(part + length, "%zx\r\n%s\r\n", strlen(EVENT), EVENT);
        if (event % 5 == 0) {
            if (event == EVENTS) length += (size_t)sprintf(part + length, "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
            send_all(file, part, length);
            length = 0;
        }
    }
}

static void answer(struct connection *connection) {
    switch (connection->kind) {
    case ANSWER: send_whole(connection->file, "200 OK", SHORT); break;
    case REFUSE: send_whole(connection->file, "400 Bad Request", REFUSAL); break;
    case STREAM: send_stream(connection->file); break;
    default: send_whole(connection->file, "500 Internal Server Error", "{\"error\":{\"message\":\"wrong request\"}}");
    }
}

static void end(struct connection *connection) {
    for (int list = 0; list < 2; list++) {
        struct connection *before = NULL;
        for (struct connection *at = waiting[list].first; at; before = at, at = at->next) {
            if (at != connection) continue;
            if (before) before->next = at->next; else waiting[list].first = at->next;
            if (waiting[list].last == at) waiting[list].last = before;
            break;
        }
    }
    connections[connection->file] = NULL;
    close(connection->file);
    free(connection->bytes);
    free(connection);
}

static int has(const char *bytes, size_t count, const char *word) {
    return memmem(bytes, count, word, strlen(word)) != NULL;
}

// The value of a field of the head, which ends in a zero byte; NULL for none.
static const char *field(const char *head, const char *name) {
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, strlen(name)) == 0 && line[2 + strlen(name)] == ':') {
            const char *value = line + 3 + strlen(name);
            return value + strspn(value, " ");
        }
    return NULL;
}

// What is to be done about one whole request, and after how many ms.
static int kind_of(const char *head, const char *body, size_t count, long *delay) {
    const char *secret = field(head, "authorization");
    int isRight = strncmp(head, "POST ", 5) == 0 && secret && strncmp(secret, SECRET, strlen(SECRET)) == 0 &&
        secret[strlen(SECRET)] == '\r';
    if (strncmp(head + 5, "/plain/", 7) != 0) isRight = isRight && has(body, count, PROMPT);
    *delay = has(body, count, "\"model\":\"slow\"") ? 50 : has(body, count, "\"model\":\"wait\"") ? 3000 : 0;
    if (!isRight) return WRONG;
    if (has(body, count, "\"model\":\"refuse\"")) return REFUSE;
    if (*delay == 0 && !has(body, count, "\"model\":\"bench\"")) return WRONG;
    return has(body, count, "\"stream\":true") ? STREAM : ANSWER;
}

// Takes one whole request, if there is one; 0 when more has to come, -1 when the connection must end.
static int take(struct connection *connection) {
    char *ending = memmem(connection->bytes, connection->held, "\r\n\r\n", 4);
    if (!ending || connection->due) return 0;
    size_t headLength = (size_t)(ending - connection->bytes) + 4;
    char mark = ending[2];
    ending[2] = 0;
    const char *length = field(connection->bytes, "content-length");
    size_t bodyLength = length ? strtoul(length, NULL, 10) : 0;
    if (field(connection->bytes, "transfer-encoding") || bodyLength > BODY_LIMIT) return -1;
    if (connection->held < headLength + bodyLength) {
        ending[2] = mark;
        return 0;
    }
    long delay;
    connection->kind = kind_of(connection->bytes, connection->bytes + headLength, bodyLength, &delay);
    connection->held -= headLength + bodyLength;
    memmove(connection->bytes, connection->bytes + headLength + bodyLength, connection->held);
    if (delay == 0) {
        answer(connection);
        return 1;
    }
    int list = delay == 50 ? 0 : 1;
    connection->due = now_ms() + delay;
    connection->next = NULL;
    if (waiting[list].last) waiting[list].last->next = connection; else waiting[list].first = connection;
    waiting[list].last = connection;
    return 0;
}

static void read_from(struct connection *connection) {
    if (connection->room - connection->held < 4096) {
        connection->room = connection->room * 4 + 16384;
        connection->bytes = realloc(connection->bytes, connection->room);
        if (!connection->bytes) abort();
    }
    ssize_t count = recv(connection->file, connection->bytes + connection->held, connection->room - connection->held, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return end(connection);
    connection->held += (size_t)count;
    int taken;
    while ((taken = take(connection)) > 0) {}
    if (taken < 0) end(connection);
}

static void answer_due(void) {
    long now = now_ms();
    for (int list = 0; list < 2; list++)
        while (waiting[list].first && waiting[list].first->due <= now) {
            struct connection *connection = waiting[list].first;
            waiting[list].first = connection->next;
            if (!connection->next) waiting[list].last = NULL;
            connection->due = 0;
            answer(connection);
            while (take(connection) > 0) {}
        }
}

static void accept_from(int listener) {
    int file = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (file < 0) return;
    if (file >= FILES) {
        close(file);
        return;
    }
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct connection *connection = calloc(1, sizeof *connection);
    connection->file = file;
    connections[file] = connection;
    epoll_ctl(poller, EPOLL_CTL_ADD, file, &(struct epoll_event){.events = EPOLLIN, .data.fd = file});
}

int main(void) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 1024)) return 1;
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    poller = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
    for (;;) {
        struct epoll_event events[256];
        int isWaiting = waiting[0].first || waiting[1].first;
        int count = epoll_wait(poller, events, 256, isWaiting ? 1 : -1);
        for (int index = 0; index < count; index++) {
            int file = events[index].data.fd;
            if (file == listener) accept_from(listener);
            else if (connections[file]) read_from(connections[file]);
        }
        answer_due();
    }
}
