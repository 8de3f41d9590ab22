#compdef splatgraph
# Completes words of splatgraph in zsh. The program itself knows them; without an answer zsh completes files.
_splatgraph() {
    local -a replies
    replies=("${(@f)$("${(Q)words[1]}" complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    replies=(${replies:#})
    if (( $#replies )); then
        compadd -S '' -- ${(M)replies:#*[=./]}
        compadd -- ${replies:#*[=./]}
    else
        compset -P '[^/]#='
        _files
    fi
}
if (( $+functions[compdef] )); then
    compdef _splatgraph splatgraph
fi
