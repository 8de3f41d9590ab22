# Completes words of splatgraph in bash. The program itself knows them; without an answer bash completes files.
_splatgraph() {
    local words=() last=-1 i word reply
    # bash splits words at = and :, which are parts of the words of splatgraph.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((last >= 0)) && [[ $word == [=:]* || ${words[last]} == *[=:] ]] \
            && ! [[ -z $word && ${COMP_LINE:COMP_POINT-1:1} == [[:blank:]] ]]; then
            words[last]+=$word
        else
            words[++last]=$word
        fi
    done
    COMPREPLY=()
    # bash replaces only what is behind the last = or :.
    local before=${words[last]%"${words[last]##*[=:]}"}
    while IFS= read -r reply; do
        [[ $reply == *[=./] ]] && compopt -o nospace 2>/dev/null
        COMPREPLY+=("${reply#"$before"}")
    done < <("$1" complete -- "${words[@]}" 2>/dev/null)
}
complete -o default -o bashdefault -F _splatgraph splatgraph
