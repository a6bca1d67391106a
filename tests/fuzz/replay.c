/* replay.c - a main for the fuzz targets without libFuzzer: runs each file that it is given, and those in folders. With
 * --list it prints the names of the kernel tables that this machine can run. */
#include "reader.h"

#include <dirent.h>
#include <sys/stat.h>

static int64_t n_replayed;

static void replay_file(const char *path) {
    FILE *file = fopen(path, "rb");
    struct stat about;
    if (!file || fstat(fileno(file), &about) != 0) {
        perror(path);
        exit(2);
    }
    size_t size = (size_t)about.st_size;
    uint8_t *data = guard_new(size, 1);
    if (fread(data, 1, size, file) != size) {
        perror(path);
        exit(2);
    }
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    guard_free(data);
    n_replayed++;
}

static void replay_folder(const char *path) {
    DIR *folder = opendir(path);
    if (!folder) {
        perror(path);
        exit(2);
    }
    for (struct dirent *entry; (entry = readdir(folder));) {
        char file[4096];
        if (entry->d_name[0] != '.' && snprintf(file, sizeof file, "%s/%s", path, entry->d_name) < (int)sizeof file)
            replay_file(file);
    }
    closedir(folder);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--list") == 0) {
        for (int i = 0; pm_cpu_available(i); i++)
            puts(pm_cpu_available(i));
        return 0;
    }
    for (int i = 1; i < argc; i++) {
        struct stat about;
        if (stat(argv[i], &about) == 0 && S_ISDIR(about.st_mode))
            replay_folder(argv[i]);
        else
            replay_file(argv[i]);
    }
    printf("%s: %lld files, %s\n", argv[0], (long long)n_replayed, pm_cpu_name());
    return 0;
}
