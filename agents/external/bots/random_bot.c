/* A bot that plays any game of moves: it picks one of its legal moves by chance.
   cc -O2 -o random_bot random_bot.c     and then     exec:./random_bot */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char line[1 << 20], choice[256];

int main(void) {
    srand((unsigned)time(NULL));
    while (fgets(line, sizeof line, stdin)) {
        char *word = strtok(line, " \n");
        if (!word) continue;
        if (!strcmp(word, "hello")) puts("ready");
        if (!strcmp(word, "legal")) {
            int seen = 0;
            for (char *move; (move = strtok(NULL, " \n"));)
                if (rand() % ++seen == 0) snprintf(choice, sizeof choice, "%s", move);
        }
        if (!strcmp(word, "go")) puts(choice);
        fflush(stdout);
    }
    return 0;
}
