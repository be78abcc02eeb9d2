"""Speaks to `skillbelt mcp` with the protocol's official client, and fails if anything is not as it should be.

    python3 -m venv /tmp/venv-mcp && /tmp/venv-mcp/bin/pip install mcp
    /tmp/venv-mcp/bin/python tests/peers/mcp_client.py target/release/skillbelt REPOSITORY [OPTIONS OF mcp]

With `--belt DIR` among the options it also asks for verdicts.
"""

import asyncio
import json
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

WANTED = {"search", "similar_code", "assess_function", "list_findings"}


def structured(result):
    value = getattr(result, "structuredContent", None) or getattr(result, "structured_content", None)
    return value if value is not None else json.loads(result.content[0].text)


def is_error(result):
    return bool(getattr(result, "isError", None) or getattr(result, "is_error", None))


async def main(program, repository, options):
    parameters = StdioServerParameters(command=program, args=["mcp", repository, *options])
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
        hello = await session.initialize()
        info = getattr(hello, "serverInfo", None) or getattr(hello, "server_info")
        assert info.name == "skillbelt", info
        tools = (await session.list_tools()).tools
        assert WANTED <= {tool.name for tool in tools}, tools

        found = await session.call_tool("search", {"query": "read a file", "limit": 5, "with_code": True})
        assert not is_error(found), found
        hits = structured(found)["hits"]
        assert hits and len(hits) <= 5, hits
        assert all(hit["path"] and hit["line"] > 0 and hit["code"] for hit in hits), hits
        print(*(f"{hit['path']}:{hit['line']}: {hit['signature']}" for hit in hits), sep="\n")

        place = {"path": hits[0]["path"], "line": hits[0]["line"]}
        like = await session.call_tool("similar_code", place)
        assert not is_error(like), like
        assert all((hit["path"], hit["line"]) != (place["path"], place["line"]) for hit in structured(like)["hits"])

        assessed = await session.call_tool("assess_function", place)
        if "--belt" in options:
            assert not is_error(assessed), assessed
            verdicts = structured(assessed)["verdicts"]
            assert all(0 <= verdict["confidence"] <= 1 for verdict in verdicts), verdicts
            print(*(f"{verdict['task']}: {verdict['label']} ({verdict['confidence']:.2f})" for verdict in verdicts), sep="\n")
            findings = await session.call_tool("list_findings", {"limit": 3})
            # A belt without tasks that make findings refuses, in words.
            assert is_error(findings) or len(structured(findings)["findings"]) <= 3, findings
        else:
            assert is_error(assessed) and "--belt" in assessed.content[0].text, assessed

        for path in ("../outside.py", "/etc/passwd"):
            refused = await session.call_tool("similar_code", {"path": path, "line": 1})
            assert is_error(refused) and "outside" in refused.content[0].text, refused
        try:
            unknown = await session.call_tool("delete_everything", {})
            assert is_error(unknown), unknown
        except Exception as error:  # The client's own class for errors of the protocol differs by version.
            assert "delete_everything" in str(error), error
    print("all is as it should be")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
