/* ZeroMQ inproc PUSH/PULL with messages of 32 bytes between two threads; prints messages a second. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

static long count;
static void *context;

static void *push(void *unused) {
  void *socket = zmq_socket(context, ZMQ_PUSH);
  zmq_connect(socket, "inproc://bench");
  for (long i = 0; i < count; i++) {
    zmq_msg_t message;
    zmq_msg_init_size(&message, 32);
    memset(zmq_msg_data(&message), 'x', 32);
    zmq_msg_send(&message, socket, 0);
  }
  zmq_close(socket);
  return unused;
}

int main(int argc, char **argv) {
  count = argc > 1 ? atol(argv[1]) : 10000000;
  context = zmq_ctx_new();
  void *socket = zmq_socket(context, ZMQ_PULL);
  zmq_bind(socket, "inproc://bench");
  struct timespec start, end;
  pthread_t thread;
  pthread_create(&thread, NULL, push, NULL);
  zmq_msg_t message;
  zmq_msg_init(&message);
  zmq_msg_recv(&message, socket, 0);
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (long i = 1; i < count; i++) zmq_msg_recv(&message, socket, 0);
  clock_gettime(CLOCK_MONOTONIC, &end);
  pthread_join(thread, NULL);
  double seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
  printf("%.0f\n", (double)(count - 1) / seconds);
  zmq_close(socket);
  zmq_ctx_term(context);
  return 0;
}
