// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

interface IToken {
    function balanceOf(address account) external view returns (uint256);
    function authorizationState(address authorizer, bytes32 nonce) external view returns (bool);
}

/// Answers all that a facilitator asks of the newest block about several payments, in one `eth_call`. It is never deployed: the
/// call carries this constructor, which returns the answers in place of code. So every node takes it, and it needs no address.
///
/// The answer is the block's time, and for each question two words: the payer's balance, and flags (1 used or cancelled,
/// 2 the payer has code, 4 the signature is the payer's as the token judges it).
contract PayerReader {
    struct Question {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
        /// Empty where it is known to be good.
        bytes signature;
    }

    bytes32 private constant TYPEHASH = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    uint256 private constant USED = 1;
    uint256 private constant HAS_CODE = 2;
    uint256 private constant SIGNED = 4;
    /// A stranger's contract may not keep the node busy for longer.
    uint256 private constant CONTRACT_CHECK_GAS = 500_000;
    /// Of the two forms of a signature, the token takes the one with the low s.
    uint256 private constant MAX_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    constructor(IToken token, bytes32 domainSeparator, Question[] memory questions) {
        uint256[] memory answers = new uint256[](1 + 2 * questions.length);
        answers[0] = block.timestamp;
        for (uint256 i = 0; i < questions.length; i++) {
            Question memory q = questions[i];
            answers[1 + 2 * i] = token.balanceOf(q.from);
            answers[2 + 2 * i] = (token.authorizationState(q.from, q.nonce) ? USED : 0)
                | (q.from.code.length > 0 ? HAS_CODE : 0) | (_isSigned(q, domainSeparator) ? SIGNED : 0);
        }
        assembly ("memory-safe") {
            return(add(answers, 0x20), mul(mload(answers), 0x20))
        }
    }

    function _isSigned(Question memory q, bytes32 domainSeparator) private view returns (bool) {
        if (q.signature.length == 0) return false;
        bytes32 message = keccak256(abi.encode(TYPEHASH, q.from, q.to, q.value, q.validAfter, q.validBefore, q.nonce));
        bytes32 digest = keccak256(abi.encodePacked("\x19\x01", domainSeparator, message));
        if (q.from.code.length > 0) return _accepts(q.from, digest, q.signature);
        address signer = _recover(digest, q.signature);
        return signer != address(0) && signer == q.from;
    }

    /// Zero where the signature has no signer; `v` may also be 0 or 1, which the facilitator writes as the token wants it.
    function _recover(bytes32 digest, bytes memory signature) private pure returns (address) {
        if (signature.length != 65) return address(0);
        bytes32 r;
        bytes32 s;
        uint8 v;
        assembly ("memory-safe") {
            r := mload(add(signature, 0x20))
            s := mload(add(signature, 0x40))
            v := byte(0, mload(add(signature, 0x60)))
        }
        if (uint256(s) > MAX_S) return address(0);
        return ecrecover(digest, v < 27 ? v + 27 : v, r, s);
    }

    /// ERC-1271, judged as the token judges it: a contract that reverts says no.
    function _accepts(address signer, bytes32 digest, bytes memory signature) private view returns (bool) {
        (bool success, bytes memory result) =
            signer.staticcall{gas: CONTRACT_CHECK_GAS}(abi.encodeWithSelector(0x1626ba7e, digest, signature));
        return success && result.length >= 32 && abi.decode(result, (bytes32)) == bytes32(bytes4(0x1626ba7e));
    }
}
