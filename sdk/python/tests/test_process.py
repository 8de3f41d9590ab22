"""What a run may do to the process: forks, Ctrl-C, the end of the interpreter."""

from conftest import GRAPHS, script


def test_a_fork_gets_words():
    ran = script("""
        import os, sys, warnings
        warnings.simplefilter("ignore")
        from splatgraph import Graph
        graph = Graph(sys.argv[1])
        graph.run(files=False)
        child = os.fork()
        if child == 0:
            try:
                graph.run(files=False)
            except Exception as error:
                print(type(error).__name__, error)
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(child, 0)
        print(round(graph.run(files=False)["psnr"], 1))
    """, GRAPHS / "reconstruct.json")
    assert ran.returncode == 0, ran.stderr
    first, second = ran.stdout.strip().splitlines()
    assert first.startswith("Error expected the process that loaded the packs, got a fork of it") and float(second) > 20


def test_ctrl_c_cancels():
    ran = script("""
        import os, signal, sys, threading, time
        from splatgraph import Graph
        # Shells ignore the signal for programs in the background.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        graph = Graph(sys.argv[1])
        threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        start = time.monotonic()
        try:
            graph.run(steps=100_000, files=False)
        except KeyboardInterrupt:
            print("interrupted", time.monotonic() - start < 4)
        print(graph.run(steps=2, files=False)["tokens"].textures.shape[0])
    """, GRAPHS / "generate.json")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["interrupted", "True", "1"]


def test_the_interpreter_ends_while_arrays_live_and_a_graph_runs():
    for _ in range(3):
        ran = script("""
            import sys, threading, time
            import numpy as np
            from splatgraph import Graph
            graph = Graph(sys.argv[1])
            kept = graph.run(steps=2, files=False, take=["decode.image"])
            lent = np.zeros((1, 64, 64, 3), np.float32)
            other = Graph(sys.argv[2])
            out = other.run(image=lent, files=False, take=["resize.image"])
            threading.Thread(target=graph.run, kwargs={"steps": 100_000, "files": False}, daemon=True).start()
            time.sleep(0.5)
            print("end")
        """, GRAPHS / "generate.json", GRAPHS / "reconstruct.json")
        assert (ran.returncode, ran.stdout.strip(), ran.stderr) == (0, "end", "")


def test_nothing_is_printed():
    ran = script("""
        import sys
        from splatgraph import Graph
        Graph(sys.argv[1]).run(files=False)
    """, GRAPHS / "reconstruct.json")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_without_the_program_the_error_says_what_to_do():
    ran = script("""
        import os
        os.environ["SPLATGRAPH_PROGRAM"] = "/nowhere/splatgraph"
        import splatgraph
        try:
            splatgraph.Session()
        except splatgraph.Error as error:
            print(error)
    """)
    assert ran.stdout == "SPLATGRAPH_PROGRAM: expected the program splatgraph, got no file: /nowhere/splatgraph\n"
