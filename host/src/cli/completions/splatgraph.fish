# Completes words of splatgraph in fish. The program itself knows them; without an answer fish completes files.
function __splatgraph_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    set -l replies ($program complete -- $words "$current" 2>/dev/null)
    if test (count $replies) -gt 0
        printf '%s\n' $replies
        return
    end
    # Behind NAME= is a file.
    set -l name (string match -r '^[^/=]+=' -- "$current")
    for path in (__fish_complete_path (string replace -r '^[^/=]+=' '' -- "$current"))
        printf '%s\n' "$name$path"
    end
end
complete -c splatgraph -f -a '(__splatgraph_complete)'
