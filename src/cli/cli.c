#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/doctor.h"
#include "cli/listen.h"
#include "cli/manage.h"
#include "cli/options.h"
#include "cli/send.h"
#include "cli/terminal.h"
#include "cli/top.h"
#include "event/name.h"

/* A command: its words are those behind its name. */
struct command {
    const char *name;
    unsigned bit; /* enum command_bit */
    const char *words;
    int least, most; /* how many words; most -1 = any number */
    int (*run)(const struct options *options, int count, char **words);
    const char *summary;
};

static int send_command(const struct options *options, int count, char **words)
{
    return send_run(options, words[0], count > 1 ? words[1] : NULL);
}

static int listen_command(const struct options *options, int count, char **words)
{
    return listen_run(options, words, (size_t)count);
}

static int history_command(const struct options *options, int count, char **words)
{
    (void)count;
    return commands_history(options, words[0]);
}

static int rooms_command(const struct options *options, int count, char **words)
{
    (void)count, (void)words;
    return commands_rooms(options);
}

static int token_command(const struct options *options, int count, char **words)
{
    (void)count, (void)words;
    return commands_token(options);
}

static int user_command(const struct options *options, int count, char **words)
{
    return manage_user(options, words[0], count > 1 ? words[1] : NULL);
}

static int revoke_command(const struct options *options, int count, char **words)
{
    (void)count, (void)words;
    return manage_revoke(options);
}

static int audit_command(const struct options *options, int count, char **words)
{
    (void)count, (void)words;
    return manage_audit(options);
}

static int doctor_command(const struct options *options, int count, char **words)
{
    return doctor_run(options, count > 0 ? words[0] : NULL);
}

static int top_command(const struct options *options, int count, char **words)
{
    (void)count, (void)words;
    return top_run(options);
}

static const struct command commands[] = {
    {"send", COMMAND_SEND, "ROOM [TEXT]", 1, 2, send_command,
     "send a message: TEXT, or what comes on standard input"},
    {"listen", COMMAND_LISTEN, "ROOM...", 1, -1, listen_command,
     "print what is said in the rooms, a line a message"},
    {"history", COMMAND_HISTORY, "ROOM", 1, 1, history_command,
     "print the last messages of a room, oldest first"},
    {"rooms", COMMAND_ROOMS, "", 0, 0, rooms_command, "list the active public rooms"},
    {"token", COMMAND_TOKEN, "--user ID", 0, 0, token_command,
     "make a token, signed with the secret of the configuration"},
    {"user", COMMAND_USER, "add|passwd|del USER, list", 1, 2, user_command,
     "make, change, remove or list accounts"},
    {"revoke", COMMAND_REVOKE, "--user ID | --jti JTI", 0, 0, revoke_command,
     "take back all tokens of a user, or one token"},
    {"audit", COMMAND_AUDIT, "[--follow]", 0, 0, audit_command, "print who did what"},
    {"doctor", COMMAND_DOCTOR, "[URL]", 0, 1, doctor_command,
     "look for what is wrong between here and a server, and say what mends it"},
    {"top", COMMAND_TOP, "", 0, 0, top_command, "show how all goes, live in a terminal"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void help(FILE *out)
{
    fprintf(out, "usage: earshot COMMAND [OPTION...] [WORD...]\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-8s %-26s %s\n", commands[i].name, commands[i].words, commands[i].summary);
    fprintf(out, "  %-8s %-26s %s\n", "help", "[COMMAND]", "tell more about a command");
    fprintf(out, "\nOptions of all commands:\n");
    options_help(out, 0);
    fprintf(out, "\nEnds with 0 when done, 1 when the server refused, 2 when the command line is "
                 "wrong,\n3 when no server answered. More in earshot(1).\n");
}

static int help_command(const char *name)
{
    const struct command *command = find(name);

    if (command == NULL) {
        terminal_error("%s is no command; see earshot help", name);
        return CLI_USAGE;
    }
    printf("usage: earshot %s %s [OPTION...]\n\nTo %s.\n\n", command->name, command->words,
           command->summary);
    options_help(stdout, command->bit);
    return CLI_DONE;
}

static int check_rooms(int count, char **words)
{
    for (int i = 0; i < count; i++)
        if (!name_room_valid(words[i])) {
            terminal_error("%s is no room: 1 to 64 letters, digits, '.', '_' or '-', the first a "
                           "letter or digit; or @user, @user,user",
                           words[i]);
            return -1;
        }
    return 0;
}

static int run(const struct options *options, const char *name, int count, char **words)
{
    const struct command *command = find(name);

    if (command == NULL) {
        terminal_error("%s is no command; see earshot help", name);
        return CLI_USAGE;
    }
    if (options_check(options, command->bit, command->name) != 0)
        return CLI_USAGE;
    if (count < command->least || (command->most >= 0 && count > command->most)) {
        terminal_error("usage: earshot %s %s", command->name, command->words);
        return CLI_USAGE;
    }
    /* Of `send ROOM TEXT` only the first word is a room. */
    if (command->bit != COMMAND_USER && command->bit != COMMAND_DOCTOR &&
        check_rooms(command->bit == COMMAND_SEND ? 1 : count, words) != 0)
        return CLI_USAGE;
    return command->run(options, count, words);
}

int main(int argc, char **argv)
{
    struct options options;
    int words;

    terminal_open(false);
    words = options_parse(&options, argc, argv);
    if (words < 0)
        return CLI_USAGE;
    terminal_open(options.verbose);
    if (options.version) {
        puts("earshot " PACKAGE_VERSION);
        return CLI_DONE;
    }
    if (words > 0 && strcmp(argv[1], "help") == 0) {
        if (words > 1)
            return help_command(argv[2]);
        help(stdout);
        return CLI_DONE;
    }
    if (options.help) {
        if (words > 0)
            return help_command(argv[1]);
        help(stdout);
        return CLI_DONE;
    }
    if (words == 0) {
        help(stderr);
        return CLI_USAGE;
    }
    return run(&options, argv[1], words - 1, argv + 2);
}
