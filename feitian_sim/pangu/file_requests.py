"""The master's role as keeper of the tree: create, delete, rename, list, locate."""

from __future__ import annotations

from feitian_sim.pangu.books import Books
from feitian_sim.pangu.effects import Effect, Reply
from feitian_sim.pangu.hot_chunks import HotChunks
from feitian_sim.pangu.messages import (
    ChunkPlace,
    CreateFile,
    DeleteFile,
    DirectoryListed,
    Done,
    ListDirectory,
    Locate,
    Located,
    MakeDirectory,
    RenameFile,
)
from feitian_sim.pangu.namespace import NamespaceError, check_directory, split
from feitian_sim.pangu.records import Deleted, DirectoryMade, FileCreated, Renamed


class FileRequests:
    """Requests about files; each raises :class:`NamespaceError` when the tree refuses."""

    def __init__(self, books: Books, hot: HotChunks) -> None:
        self._books = books
        self._hot = hot

    def create(self, ticket: int, request: CreateFile) -> list[Effect]:
        """Make a file, once per token, even if it was deleted between the first try and this one."""
        tree = self._books.state.namespace
        split(request.path)
        if self._is_done(request.token):
            return [Reply(ticket, Done())]
        if tree.is_file(request.path):
            if request.token and tree.token(request.path) == request.token:
                return [Reply(ticket, Done())]
            raise NamespaceError(f"{request.path} is already there", "exists")
        if tree.is_directory(f"{request.path}/"):
            raise NamespaceError(f"{request.path}/ is a directory", "exists")
        return self._books.log(FileCreated(request.path, request.token), Reply(ticket, Done()))

    def make_directory(self, ticket: int, request: MakeDirectory) -> list[Effect]:
        """Make a directory; harmless when it is there."""
        check_directory(request.path)
        tree = self._books.state.namespace
        if tree.is_directory(request.path):
            return [Reply(ticket, Done())]
        if tree.is_file(request.path[:-1]):
            raise NamespaceError(f"{request.path[:-1]} is a file")
        return self._books.log(DirectoryMade(request.path), Reply(ticket, Done()))

    def delete(self, ticket: int, request: DeleteFile) -> list[Effect]:
        """Remove a file or an empty directory, once per token."""
        if self._is_done(request.token):
            return [Reply(ticket, Done())]
        tree = self._books.state.namespace
        if request.path.endswith("/"):
            if request.path == "/" or tree.names(request.path):
                raise NamespaceError(f"{request.path} is not empty", "not-empty")
        else:
            tree.chunks(request.path)
        return self._books.log(Deleted(request.path, request.token), Reply(ticket, Done()))

    def rename(self, ticket: int, request: RenameFile) -> list[Effect]:
        """Give a file a free path, once per token."""
        if self._is_done(request.token):
            return [Reply(ticket, Done())]
        tree = self._books.state.namespace
        tree.chunks(request.path)
        split(request.new_path)
        if tree.is_file(request.new_path) or tree.is_directory(f"{request.new_path}/"):
            raise NamespaceError(f"{request.new_path} is already there", "exists")
        return self._books.log(Renamed(request.path, request.new_path, request.token), Reply(ticket, Done()))

    def _is_done(self, token: str) -> bool:
        return bool(token) and self._books.state.retries.knows(token)

    def list_directory(self, ticket: int, request: ListDirectory) -> list[Effect]:
        """Names in a directory."""
        return [Reply(ticket, DirectoryListed(self._books.state.namespace.names(request.path)))]

    def locate(self, ticket: int, request: Locate, now_ns: int) -> list[Effect]:
        """Where the chunks of a file are: their replicas, and temporary copies of hot ones."""
        chunks = self._books.state.namespace.chunks(request.path)
        table, locations = self._books.state.chunks, self._books.locations
        wanted = chunks[request.first : request.first + request.count]
        places = tuple(
            ChunkPlace(
                chunk,
                int(table.versions[chunk]),
                int(table.lengths[chunk]),
                locations.servers(chunk) + self._hot.servers(chunk, now_ns),
            )
            for chunk in wanted
        )
        size_bytes = int(table.lengths[chunks].sum()) if chunks else 0
        return [Reply(ticket, Located(size_bytes, len(chunks), places))]
