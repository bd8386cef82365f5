#define _GNU_SOURCE

#include "bench/linux/peer.h"

#include "bench/linux/util.h"

#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

static void answer(int socket) {
    const char byte = 1;
    require(write(socket, &byte, 1) == 1, "write");
}

static void echo(const struct peer *peer, uint64_t len_bytes) {
    static char buffer[4096];
    require(read(peer->socket, buffer, len_bytes) == (ssize_t)len_bytes, "read");
    require(write(peer->socket, buffer, len_bytes) == (ssize_t)len_bytes, "write");
}

static void touch(int memory) {
    char *address = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    require(address != MAP_FAILED, "mmap");
    *(volatile uint64_t *)address += 1;
    munmap(address, 4096);
    close(memory);
}

static void serve_once(const struct peer *peer, uint64_t request) {
    uint64_t value;
    int descriptor;
    switch (request) {
    case PEER_EVENTS:
        require(read(peer->event_to_peer, &value, sizeof(value)) == sizeof(value), "read");
        require(write(peer->event_to_us, &value, sizeof(value)) == sizeof(value), "write");
        break;
    case PEER_YIELD: sched_yield(); break;
    case PEER_PARK:
        park(&peer->shared->to_peer);
        unpark(&peer->shared->to_us);
        break;
    case PEER_CLOSE:
        close(receive_descriptor(peer->socket));
        answer(peer->socket);
        break;
    case PEER_TOUCH:
        touch(receive_descriptor(peer->socket));
        answer(peer->socket);
        break;
    case PEER_RETURN:
        descriptor = receive_descriptor(peer->socket);
        send_descriptor(peer->socket, descriptor);
        close(descriptor);
        break;
    default: echo(peer, request - PEER_ECHO); break;
    }
}

[[noreturn]] static void serve(const struct peer *peer) {
    for (;;) {
        uint64_t order[2];
        require(read(peer->socket, order, sizeof(order)) == sizeof(order), "read");
        for (uint64_t i = 0; i < order[1]; i++) {
            serve_once(peer, order[0]);
        }
        if (order[0] == PEER_YIELD) {
            answer(peer->socket);
        }
    }
}

void peer_start(struct peer *peer) {
    int sockets[2];
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0, "socketpair");
    peer->event_to_peer = eventfd(0, 0);
    peer->event_to_us = eventfd(0, 0);
    peer->shared = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    require(peer->event_to_peer >= 0 && peer->event_to_us >= 0 && peer->shared != MAP_FAILED, "peer");
    peer->process = fork();
    require(peer->process >= 0, "fork");
    if (peer->process == 0) {
        peer->socket = sockets[1];
        serve(peer);
    }
    peer->socket = sockets[0];
}

void peer_ask(const struct peer *peer, uint64_t request, uint64_t count) {
    const uint64_t order[2] = {request, count};
    require(write(peer->socket, order, sizeof(order)) == sizeof(order), "write");
}
