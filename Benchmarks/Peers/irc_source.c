/* An IRC server for one client at a time that costs next to nothing: it logs the client in as Twitch does and, when standard input says
 * `go COUNT`, sends so many lines of chat to the channel that the client has joined, as fast as they are read. Lines look like Twitch's,
 * with all their tags; the number of each is in its text.
 *
 * Prints `port N`, then `joined` after each client's JOIN and `sent` after the last line. Ends with its standard input. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int client = -1;
static char nick[64] = "*", channel[128];

static void say(const char *line) {
  size_t left = strlen(line);
  while (left > 0) {
    ssize_t n = write(client, line, left);
    if (n <= 0) return;
    line += n;
    left -= (size_t)n;
  }
}

static void answer(char *line) {
  char reply[1024];
  if (strncmp(line, "CAP LS", 6) == 0) say(":tmi.twitch.tv CAP * LS :twitch.tv/commands twitch.tv/membership twitch.tv/tags\r\n");
  else if (strncmp(line, "CAP REQ ", 8) == 0) {
    const char *names = line + 8 + (line[8] == ':');
    snprintf(reply, sizeof reply, ":tmi.twitch.tv CAP * ACK :%.500s\r\n", names);
    say(reply);
  } else if (strncmp(line, "NICK ", 5) == 0) {
    snprintf(nick, sizeof nick, "%.60s", line + 5);
    static const char *welcome[][2] = {{"001", "Welcome, GLHF!"}, {"002", "Your host is tmi.twitch.tv"}, {"003", "This server is rather new"},
                                       {"004", "-"}, {"375", "-"}, {"372", "You are in a maze of twisty passages, all alike."}, {"376", ">"}};
    for (size_t i = 0; i < sizeof welcome / sizeof *welcome; i++) {
      snprintf(reply, sizeof reply, ":tmi.twitch.tv %s %s :%s\r\n", welcome[i][0], nick, welcome[i][1]);
      say(reply);
    }
  } else if (strncmp(line, "JOIN ", 5) == 0) {
    snprintf(channel, sizeof channel, "%.100s", line + 5);
    snprintf(reply, sizeof reply, ":%s!%s@%s.tmi.twitch.tv JOIN %s\r\n:%s.tmi.twitch.tv 353 %s = %s :%s\r\n:%s.tmi.twitch.tv 366 %s %s :End of /NAMES list\r\n",
             nick, nick, nick, channel, nick, nick, channel, nick, nick, nick, channel);
    say(reply);
    puts("joined");
  } else if (strncmp(line, "PING", 4) == 0) {
    snprintf(reply, sizeof reply, ":tmi.twitch.tv PONG tmi.twitch.tv %.200s\r\n", line + 4);
    say(reply);
  }
}

static int line(char *to, long number) {
  return sprintf(to,
                 "@badge-info=subscriber/22;badges=subscriber/18,bits/1000;client-nonce=459e3142897c7a22b7d275178f2259e0;color=#8A2BE2;"
                 "display-name=Customer%ld;emotes=;first-msg=0;flags=;id=885196de-cb67-427a-baa8-%012ld;mod=0;returning-chatter=0;"
                 "room-id=713936733;subscriber=1;tmi-sent-ts=1700000000000;turbo=0;user-id=%ld;user-type= "
                 ":customer%ld!customer%ld@customer%ld.tmi.twitch.tv PRIVMSG %s :order %ld: two tacos with beans, no onions, and a horchata please\r\n",
                 number % 1000, number, 100000 + number % 1000, number % 1000, number % 1000, number % 1000, channel, number);
}

/* Sends the lines; what the client says meanwhile stays in the socket. */
static void flood(long count) {
  static char buffer[1 << 17];
  size_t used = 0;
  for (long i = 0; i < count; i++) {
    used += (size_t)line(buffer + used, i);
    if (used < sizeof buffer - 1024 && i + 1 < count) continue;
    for (size_t done = 0; done < used;) {
      ssize_t n = write(client, buffer + done, used - done);
      if (n <= 0) return;
      done += (size_t)n;
    }
    used = 0;
  }
  puts("sent");
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (bind(server, (struct sockaddr *)&address, size) != 0 || listen(server, 8) != 0) return 1;
  getsockname(server, (struct sockaddr *)&address, &size);
  printf("port %d\n", ntohs(address.sin_port));
  static char text[1 << 16];
  size_t have = 0;
  for (;;) {
    struct pollfd files[] = {{0, POLLIN, 0}, {server, POLLIN, 0}, {client, POLLIN, 0}};
    if (poll(files, 3, -1) < 0) return 1;
    if (files[0].revents != 0) {
      char order[64];
      ssize_t n = read(0, order, sizeof order - 1);
      if (n <= 0) return 0;
      order[n] = 0;
      if (strncmp(order, "go ", 3) == 0) flood(atol(order + 3));
    }
    if (files[1].revents != 0) {
      if (client >= 0) close(client);
      client = accept4(server, NULL, NULL, SOCK_CLOEXEC);
      have = 0;
    }
    if (client >= 0 && files[2].revents != 0 && files[2].fd == client) {
      ssize_t n = read(client, text + have, sizeof text - have - 1);
      if (n <= 0) {
        close(client);
        client = -1;
        continue;
      }
      have += (size_t)n;
      text[have] = 0;
      char *start = text, *end;
      while ((end = strchr(start, '\n')) != NULL) {
        *end = 0;
        if (end > start && end[-1] == '\r') end[-1] = 0;
        answer(start);
        start = end + 1;
      }
      have = strlen(start);
      memmove(text, start, have);
      if (have >= sizeof text - 1) have = 0;
    }
  }
}
